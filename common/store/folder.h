#pragma once
// A memory folder: two generations of the manifest, one log for each virtual shard in use, a lock for the one who
// writes.
//   DIR/manifest.0, manifest.1   generation g stands in manifest.<g % 2>; the greater one counts
//   DIR/log.000 ... log.255      the truth; up to the lengths in the manifest
//   DIR/lock                     who writes, empty if nobody does
//   DIR/m0.safetensors           key memory, if there is one; written by others through directory().write_atomic
// Anything else in the folder is left alone.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/store/directory.h"
#include "common/store/lock.h"
#include "common/store/log_reader.h"
#include "common/store/log_writer.h"
#include "common/store/manifest.h"

namespace larimar::store {

inline constexpr std::string_view kKeyMemoryName = "m0.safetensors";

/// What becomes of records beyond the committed lengths when a folder is opened for writing.
enum class Recover {
  kKeepValidTail,  // a resumed ingest: each LogWriter keeps the whole ones of its log
  kRollBack,       // all logs are cut back to the manifest, logs that were never committed are removed
};

/// Owns the open folder and, when writing, its lock. Movable; one thread. A manifest was read and checked when it
/// exists.
class Folder {
 public:
  /// A new memory with its first manifest (generation 1), which also gives the folder its id. Parents are made.
  /// Throws  Error(kCannotCreate) if the folder cannot be made or a memory is there already; what FolderLock throws.
  static Folder create(FileSystem& files, const std::filesystem::path& path, Manifest first, const LockOwner& owner);

  /// The last complete state, without a lock: what an unfinished job is doing stays unseen.
  /// Throws  MissingInputError if the folder is absent; FormatError if it is no memory, of a newer version, if a
  ///         manifest is damaged (kSalvage: the whole one is used), or if nothing was completed yet.
  static Folder open_reading(FileSystem& files, const std::filesystem::path& path,
                             OnDamage on_damage = OnDamage::kThrow);

  /// The newest state whatever it is, with the lock. Left-over temporaries are removed.
  /// Throws  as open_reading, but for unfinished states; what FolderLock and roll_back_log throw.
  static Folder open_writing(FileSystem& files, const std::filesystem::path& path, const LockOwner& owner,
                             Recover recover);

  /// The newest state for the other ranks of a job whose rank 0 holds the lock: they write logs, but no manifest.
  static Folder open_joined(FileSystem& files, const std::filesystem::path& path);

  /// Whether a manifest, whole or not, is there. False if the folder is absent.
  /// Throws  MissingInputError if the folder or a manifest is there but cannot be read; IoError.
  static bool is_memory(FileSystem& files, const std::filesystem::path& path);

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const Directory& directory() const { return *directory_; }
  [[nodiscard]] LogIdentity identity(std::uint32_t shard) const;
  /// Readers and writers borrow the folder's directory, which stays in place when the Folder moves.
  [[nodiscard]] LogReader read_log(std::uint32_t shard, OnDamage on_damage = OnDamage::kThrow) const;
  [[nodiscard]] LogWriter write_log(std::uint32_t shard) const;

  /// Puts a new generation in place: on return it survives a loss of power, before that the old one counts. Logs must
  /// have been synced up to the states in it. `generation` and `folder` are set here.
  /// Throws  ConfigError if the manifest breaks its rules or counts less of a log than before (readers of the
  ///         generation before may be at work); IoError or Error(kCannotCreate), after which this object refuses
  ///         to commit again, since which of the two generations counts is then found out by opening again.
  void commit(Manifest next);

  /// The dead job whose lock was taken over, damaged manifests passed over: sentences for the user.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  explicit Folder(Directory directory);
  void load(OnDamage on_damage, bool only_complete);
  void take_lock(const LockOwner& owner);
  void roll_back() const;
  void put(Manifest next);

  std::unique_ptr<Directory> directory_;
  std::optional<FolderLock> lock_;
  Manifest manifest_;
  bool commit_failed_ = false;
  std::vector<std::string> notes_;
};

}  // namespace larimar::store

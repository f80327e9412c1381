#pragma once
// One writer for a memory folder: the file `lock`, locked by the system and naming its holder.
#include <cstdint>
#include <string>

#include "common/store/directory.h"

namespace larimar::store {

/// Who holds a lock, as the file's lines say: host, pid, start (of the process, in the system's own count since boot),
/// job and command.
struct LockOwner {
  std::string host;
  std::int64_t pid = 0;
  std::string start;
  std::string job;      // of the batch system, SLURM_JOB_ID; empty outside of one
  std::string command;  // "larimar ingest"

  [[nodiscard]] std::string to_text() const;
  /// Lines that are missing leave their field empty.
  static LockOwner from_text(const std::string& text);
};

/// This process.
[[nodiscard]] LockOwner this_process(const std::string& command);

/// When a process of this host was started, as LockOwner::start; empty if there is none of that number.
[[nodiscard]] std::string start_of_process(std::int64_t pid);

/// The lock of a folder, held from construction to destruction. Owns the open file; movable. Readers need none.
class FolderLock {
 public:
  /// Takes the lock, also one whose holder is dead: the system's lock is free, and the text names nobody, a process of
  /// this host that is gone, the same batch job, or another host where the file system's locks would have kept us out.
  /// Calls   local.
  /// Throws  ConfigError naming the holder if it is alive, or might be; Error(kCannotCreate) if the file cannot be
  ///         made; IoError.
  FolderLock(const Directory& folder, const LockOwner& owner);
  FolderLock(FolderLock&&) noexcept = default;
  FolderLock& operator=(FolderLock&&) noexcept = delete;
  /// Empties the text and lets go. A text that cannot be emptied names a process that is gone.
  ~FolderLock();

  /// The dead holder whose lock was taken over, as a phrase; empty if there was none.
  [[nodiscard]] const std::string& taken_over() const { return taken_over_; }

 private:
  std::string taken_over_;
  File file_;
};

}  // namespace larimar::store

#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "common/store/directory.h"
#include "common/store/log_format.h"
#include "common/store/manifest.h"

namespace larimar::store {

class LogWriter;

/// Records of one log on their way to the disk: the one part of a group commit that any thread may do. The writer that
/// handed it out must stay where it is, and may append further records meanwhile.
class PendingSync {
 public:
  /// Until the disk has them. Throws IoError.
  void wait() const;

 private:
  friend LogWriter;
  const Directory* folder_ = nullptr;  // to be synced too, since the log's name is new in it
  File* file_ = nullptr;
  LogState end_;
};

/// Appends records to one log. Owns the open file; movable; one writer for a log at a time (the folder's lock sees to
/// that), one thread at a time. A record counts as written when sync() has returned after its append().
/// After construction the log is whole up to position(), which is at or beyond the committed state. The file is made at
/// the first append, so a log that is never used leaves none.
/// Calls   local.
class LogWriter {
 public:
  /// Keeps the whole records that follow the committed state, an unfinished job's, and cuts off what is torn. To drop
  /// them instead, open the folder with Recover::kRollBack, which cuts all logs before any writer is made.
  /// Throws  FormatError naming the log: of another memory or shard, shorter than the committed state or with other
  ///         records than it counts, newer, no regular file; IoError.
  /// Cost    one look at each committed header, one XXH3 over what stands behind them.
  LogWriter(const Directory& folder, const LogIdentity& identity, const LogState& committed);

  /// Adds a record behind the last one.
  /// Throws  ShapeError if its parts disagree or its block number does not rise, IoError or Error(kCannotCreate) if
  ///         writing fails. After an I/O error the file is cut back if possible, and the writer refuses all further
  ///         work.
  /// Cost    one copy and one XXH3 of the record, one write call.
  void append(const Record& record);

  /// All appended records onto the disk: the group commit. Nothing happens if nothing was appended.
  /// Throws  IoError; the writer then refuses all further work, since what a failed sync left behind is unknown.
  void sync();
  /// The same in parts: the records so far, or nullopt if all are on disk. Precondition: none is pending.
  [[nodiscard]] std::optional<PendingSync> begin_sync();
  /// After wait() has returned.
  void end_sync(const PendingSync& pending) { synced_ = pending.end_; }
  /// After wait() has thrown, or was not called: the writer refuses all further work.
  void fail_sync() { failed_ = true; }

  /// End of what was appended, for LogReader and the manifest.
  [[nodiscard]] const LogState& position() const { return position_; }
  /// End of what is known to be on disk.
  [[nodiscard]] const LogState& synced() const { return synced_; }
  /// Bytes cut off when the log was opened.
  [[nodiscard]] std::uint64_t cut_bytes() const { return cut_bytes_; }
  /// Of the last segments record; nullopt if there is none.
  [[nodiscard]] std::optional<std::uint64_t> last_block() const { return last_block_; }

 private:
  void open_existing(File file, const LogState& committed);
  void create();
  void refuse_if_failed() const;

  const Directory* folder_;
  LogIdentity identity_;
  std::optional<File> file_;
  LogState position_;
  LogState synced_;
  std::uint64_t cut_bytes_ = 0;
  std::optional<std::uint64_t> last_block_;
  bool folder_dirty_ = false;  // the log's name is not yet on disk
  bool dirty_ = false;
  bool failed_ = false;
  std::vector<std::byte> buffer_;
};

/// Cuts a log back to its committed state; removes it if it was never committed.
/// Throws  FormatError if it is of another memory or shard, or shorter than committed; IoError.
void roll_back_log(const Directory& folder, const LogIdentity& identity, const LogState& committed);

}  // namespace larimar::store

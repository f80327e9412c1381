#include "common/store/log_writer.h"

#include <utility>

#include "common/base/error.h"
#include "common/base/failpoint.h"
#include "common/store/log_reader.h"

namespace larimar::store {
namespace {

/// The header of a log that is there, its chain value; nullopt if it is torn and nothing of the log was ever committed.
std::optional<std::uint64_t> whole_header(const File& file, std::span<const std::byte> log, const LogIdentity& identity,
                                          const LogState& committed) {
  const LogHeaderFinding header = check_log_header(log, identity);
  if (header.fault == LogHeaderFault::kNone) {
    if (log.size() >= committed.bytes) return header.chain;
    throw base::FormatError(file.path().string() + " has " + std::to_string(log.size()) +
                            " bytes, the manifest counts " + std::to_string(committed.bytes) +
                            "; larimar salvage serves the rest");
  }
  if (header.fault == LogHeaderFault::kTorn && committed.bytes == 0) return std::nullopt;
  throw base::FormatError(file.path().string() + " cannot be written to: " + header.what);
}

}  // namespace

LogWriter::LogWriter(const Directory& folder, const LogIdentity& identity, const LogState& committed)
    : folder_(&folder), identity_(identity), position_(committed), synced_(committed) {
  std::optional<File> file = folder.open_if_there(log_name(identity.shard), OpenMode::kAppend);
  if (file) {
    open_existing(std::move(*file), committed);
  } else if (committed.bytes != 0) {
    throw base::FormatError((folder.path() / log_name(identity.shard)).string() +
                            " is not there, the manifest counts " + std::to_string(committed.bytes) +
                            " bytes; larimar salvage serves the rest");
  }
}

void LogWriter::open_existing(File file, const LogState& committed) {
  LARIMAR_FAILPOINT("store.log.map");
  const std::optional<Mapping> mapping = folder_->map_if_there(log_name(identity_.shard));
  const std::span<const std::byte> log = mapping ? mapping->bytes() : std::span<const std::byte>{};
  const std::optional<std::uint64_t> chain = whole_header(file, log, identity_, committed);
  if (chain) {
    const LogState start{.shard = identity_.shard, .bytes = kLogHeaderBytes, .records = 0, .chain = *chain};
    const bool new_log = committed.bytes == 0;
    if (!new_log) last_block_ = last_committed_block(log, identity_, start, committed, file.path());
    const ValidTail tail = find_valid_tail(log, identity_, new_log ? start : committed, last_block_);
    position_ = tail.state;
    last_block_ = tail.last_block;
  }
  cut_bytes_ = log.size() - position_.bytes;
  if (cut_bytes_ != 0) {
    LARIMAR_FAILPOINT("store.log.cut");
    file.truncate(position_.bytes);
  }
  file_ = std::move(file);
  if (!chain) create();
  // What an unfinished job wrote may not have been synced by it, its name neither.
  dirty_ = position_.bytes != committed.bytes || cut_bytes_ != 0;
  folder_dirty_ = committed.bytes == 0;
}

void LogWriter::create() {
  if (!file_) {
    LARIMAR_FAILPOINT("store.log.create");
    file_ = folder_->create(log_name(identity_.shard));
    folder_dirty_ = true;
  }
  const EncodedLogHeader header = encode_log_header(identity_);
  LARIMAR_FAILPOINT("store.log.header");
  file_->write(header.bytes);
  position_ = {.shard = identity_.shard, .bytes = header.bytes.size(), .records = 0, .chain = header.chain};
  dirty_ = true;
}

void LogWriter::refuse_if_failed() const {
  if (!failed_) return;
  throw base::IoError("nothing more is written to " + (folder_->path() / log_name(identity_.shard)).string() +
                      " after an earlier error; run the same command again");
}

void LogWriter::append(const Record& record) {
  refuse_if_failed();
  const auto* segments = std::get_if<SegmentsRecord>(&record);
  if (segments != nullptr && last_block_ && segments->block <= *last_block_) {
    throw base::ShapeError(log_name(identity_.shard) + " cannot take block " + std::to_string(segments->block) +
                           " behind block " + std::to_string(*last_block_));
  }
  failed_ = true;  // until the record is in the file
  if (!file_) create();
  std::uint64_t link = 0;
  try {
    link = encode_record(record, identity_, position_.records, position_.chain, buffer_);
  } catch (const base::ShapeError&) {
    failed_ = false;
    throw;
  }
  try {
    LARIMAR_FAILPOINT("store.log.append");
    file_->write(buffer_);
  } catch (const base::IoError&) {
    try {
      file_->truncate(position_.bytes);
    } catch (const base::IoError&) {
      // The next one who opens the log cuts it.
    }
    throw;
  }
  dirty_ = true;
  position_ = {.shard = identity_.shard,
               .bytes = position_.bytes + buffer_.size(),
               .records = position_.records + 1,
               .chain = link};
  if (segments != nullptr) last_block_ = segments->block;
  failed_ = false;
  LARIMAR_FAILPOINT("store.log.appended");
}

void PendingSync::wait() const {
  LARIMAR_FAILPOINT("store.log.sync");
  file_->sync();
  if (folder_ != nullptr) {
    LARIMAR_FAILPOINT("store.log.sync_folder");
    folder_->sync();
  }
  LARIMAR_FAILPOINT("store.log.synced");
}

std::optional<PendingSync> LogWriter::begin_sync() {
  refuse_if_failed();
  if (!file_ || (!dirty_ && !folder_dirty_)) return std::nullopt;
  PendingSync pending;
  pending.folder_ = folder_dirty_ ? folder_ : nullptr;
  pending.file_ = &*file_;
  pending.end_ = position_;
  dirty_ = folder_dirty_ = false;
  return pending;
}

void LogWriter::sync() {
  const std::optional<PendingSync> pending = begin_sync();
  if (!pending) return;
  failed_ = true;
  pending->wait();
  failed_ = false;
  end_sync(*pending);
}

void roll_back_log(const Directory& folder, const LogIdentity& identity, const LogState& committed) {
  const std::string name = log_name(identity.shard);
  std::optional<File> file = folder.open_if_there(name, OpenMode::kAppend);
  if (!file) {
    if (committed.bytes == 0) return;
    throw base::FormatError((folder.path() / name).string() + " is not there, the manifest counts " +
                            std::to_string(committed.bytes) + " bytes; larimar salvage serves the rest");
  }
  std::uint64_t size = 0;
  {
    const std::optional<Mapping> mapping = folder.map_if_there(name);
    const std::span<const std::byte> log = mapping ? mapping->bytes() : std::span<const std::byte>{};
    static_cast<void>(whole_header(*file, log, identity, committed));
    size = log.size();
  }
  if (committed.bytes == 0) {
    LARIMAR_FAILPOINT("store.log.remove");
    folder.remove(name);
  } else if (size > committed.bytes) {
    LARIMAR_FAILPOINT("store.log.cut");
    file->truncate(committed.bytes);
    file->sync();
  }
}

}  // namespace larimar::store

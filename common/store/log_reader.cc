#include "common/store/log_reader.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/failpoint.h"

namespace larimar::store {
namespace {

/// Whether header and payload lie within the log.
bool fits(std::span<const std::byte> log, std::uint64_t offset, const RecordHeader& header) {
  return header.payload_bytes <= log.size() - offset - kRecordHeaderBytes;
}

bool is_segments(const RecordHeader& header) {
  return header.kind == static_cast<std::uint32_t>(RecordKind::kSegments);
}

/// Whether the header that stands at `at` is the next one of the chain, with its payload within the log.
bool follows(std::span<const std::byte> log, const RecordHeader& header, const LogState& at) {
  return header.previous == at.chain && header.number == at.records && fits(log, at.bytes, header);
}

LogState behind(const RecordHeader& header, const LogState& at) {
  return {.shard = at.shard,
          .bytes = at.bytes + kRecordHeaderBytes + header.payload_bytes,
          .records = header.number + 1,
          .chain = header.check};
}

void attribute(Damage& damage, const RecordHeader& header) {
  if (!is_segments(header)) return;
  damage.block = header.block;
  damage.document = header.document;
  damage.begin = header.begin;
  damage.end = header.end;
}

}  // namespace

LogReader::LogReader(const Directory& folder, const LogIdentity& identity, const LogState& until, OnDamage on_damage)
    : path_(folder.path() / log_name(identity.shard)),
      identity_(identity),
      until_(until),
      on_damage_(on_damage),
      at_{.shard = identity.shard} {
  if (until.bytes == 0) {
    done_ = true;
    return;
  }
  LARIMAR_FAILPOINT("store.log.map");
  std::optional<Mapping> mapping;
  std::string why = "it is not there";
  try {
    mapping = folder.map_if_there(log_name(identity.shard));
  } catch (const base::FormatError& error) {
    if (on_damage == OnDamage::kThrow) throw;
    why = error.what();
  }
  if (!mapping) {
    lose_all(why);
    return;
  }
  mapping_ = std::move(*mapping);
  open_log();
}

void LogReader::open_log() {
  const std::span<const std::byte> all = mapping_.bytes();
  const LogHeaderFinding header = check_log_header(all, identity_);
  if (header.fault == LogHeaderFault::kNewer)
    throw base::FormatError(path_.string() + " cannot be read: " + header.what);
  if (header.fault == LogHeaderFault::kForeign) {
    lose_all(header.what);
    return;
  }
  if (all.size() < until_.bytes) {
    report({.file = path_,
            .offset = all.size(),
            .bytes = until_.bytes - all.size(),
            .record = 0,
            .records = 0,
            .what = "it has " + std::to_string(all.size()) + " bytes, the manifest counts " +
                    std::to_string(until_.bytes)});
  }
  log_ = all.first(static_cast<std::size_t>(std::min<std::uint64_t>(all.size(), until_.bytes)));
  tail_bytes_ = all.size() - log_.size();
  at_.bytes = kLogHeaderBytes;
  at_.chain = header.chain;
  if (header.fault == LogHeaderFault::kTorn) {
    // Whose log it is can no longer be told from it, but the records may still be whole.
    report({.file = path_, .offset = 0, .bytes = kLogHeaderBytes, .record = 0, .records = 0, .what = header.what});
    chain_known_ = false;
  }
}

void LogReader::lose_all(const std::string& why) {
  done_ = true;
  report({.file = path_, .offset = 0, .bytes = until_.bytes, .record = 0, .records = until_.records, .what = why});
}

void LogReader::report(Damage damage) {
  if (on_damage_ == OnDamage::kThrow) {
    done_ = true;
    throw base::FormatError(damage.text() + "; larimar salvage serves the rest");
  }
  damages_.push_back(std::move(damage));
}

std::optional<ReadRecord> LogReader::next() {
  while (!done_) {
    if (at_.bytes >= log_.size()) {
      finish();
      return std::nullopt;
    }
    const std::optional<RecordHeader> header = header_at(log_, at_.bytes, identity_);
    const bool goes_on = header && (chain_known_ ? follows(log_, *header, at_) : fits(log_, at_.bytes, *header));
    if (!goes_on) {
      pass_over_damage();
      continue;
    }
    if (std::optional<ReadRecord> read = read_at(*header)) return read;
  }
  return std::nullopt;
}

std::optional<ReadRecord> LogReader::read_at(const RecordHeader& header) {
  const std::uint64_t bytes = kRecordHeaderBytes + header.payload_bytes;
  DecodedRecord decoded = decode_record(log_, at_.bytes, header, identity_);
  ReadRecord read{.number = header.number, .offset = at_.bytes, .bytes = bytes, .record = decoded.record};
  if (decoded.what.empty() && std::holds_alternative<SegmentsRecord>(read.record)) {
    if (last_block_ && header.block <= *last_block_) decoded.what = "its block number does not rise";
    last_block_ = header.block;
  }
  at_ = behind(header, at_);
  chain_known_ = true;
  if (decoded.what.empty()) return read;
  Damage damage{.file = path_, .offset = read.offset, .bytes = bytes, .record = read.number, .what = decoded.what};
  attribute(damage, header);
  report(std::move(damage));
  return std::nullopt;
}

bool LogReader::can_go_on(std::uint64_t offset, const RecordHeader& header) const {
  // At the damage itself only a later record, which tells that some were taken out.
  if (header.number < at_.records + (offset == at_.bytes ? 1U : 0U) || header.number >= until_.records) return false;
  if (!fits(log_, offset, header)) return false;
  const std::uint64_t end = offset + kRecordHeaderBytes + header.payload_bytes;
  if (end == until_.bytes) return header.check == until_.chain;
  const std::optional<RecordHeader> next = header_at(log_, end, identity_);
  return !next || next->previous == header.check;
}

void LogReader::pass_over_damage() {
  const std::uint64_t from = at_.bytes;
  const std::optional<RecordHeader> first = header_at(log_, from, identity_);
  Damage damage{.file = path_, .offset = from, .record = at_.records};
  if (first && !fits(log_, from, *first)) {
    damage.what = "it is cut off";
    attribute(damage, *first);
  } else if (first) {
    damage.what = "it does not follow the record before it (swapped, stale or of another log)";
  } else {
    damage.what = "no whole record begins there";
  }
  std::uint64_t offset = from;
  std::optional<RecordHeader> found;
  for (; offset < log_.size(); offset += kAlignment) {  // records start at multiples of it
    found = header_at(log_, offset, identity_);
    if (found && can_go_on(offset, *found)) break;
    found.reset();
  }
  const std::uint64_t end = found ? offset : log_.size();
  const std::uint64_t number = found ? found->number : until_.records;
  damage.bytes = end - from;
  damage.records = number > at_.records ? number - at_.records : 1;
  at_.bytes = end;
  at_.records = number;
  chain_known_ = false;
  report(std::move(damage));
}

void LogReader::finish() {
  done_ = true;
  const bool whole = damages_.empty() || (chain_known_ && log_.size() == until_.bytes);
  if (whole && (at_.records != until_.records || at_.chain != until_.chain || at_.bytes != until_.bytes)) {
    report({.file = path_,
            .offset = at_.bytes,
            .record = at_.records,
            .records = 0,
            .what = "it has " + std::to_string(at_.records) + " records that end otherwise than the manifest says (" +
                    std::to_string(until_.records) + "): it is of another run"});
  }
}

std::optional<std::uint64_t> last_committed_block(std::span<const std::byte> log, const LogIdentity& identity,
                                                  const LogState& start, const LogState& committed,
                                                  const std::filesystem::path& path) {
  std::optional<std::uint64_t> last_block;
  const std::span<const std::byte> part = log.first(static_cast<std::size_t>(committed.bytes));
  LogState at = start;
  while (at.bytes < committed.bytes) {
    const std::optional<RecordHeader> header = header_at(part, at.bytes, identity);
    if (!header || !follows(part, *header, at)) break;
    if (is_segments(*header)) last_block = header->block;
    at = behind(*header, at);
  }
  if (at == committed) return last_block;
  throw base::FormatError(
      path.string() + " is damaged at byte " + std::to_string(at.bytes) + ", record " + std::to_string(at.records) +
      ": up to there its records follow one another, but the manifest counts " + std::to_string(committed.records) +
      " in " + std::to_string(committed.bytes) + " bytes; larimar salvage serves the rest");
}

ValidTail find_valid_tail(std::span<const std::byte> log, const LogIdentity& identity, const LogState& committed,
                          std::optional<std::uint64_t> last_block) {
  ValidTail tail{.state = committed, .last_block = last_block};
  while (tail.state.bytes < log.size()) {
    const std::optional<RecordHeader> header = header_at(log, tail.state.bytes, identity);
    if (!header || !follows(log, *header, tail.state)) break;
    if (is_segments(*header) && tail.last_block && header->block <= *tail.last_block) break;
    if (!decode_record(log, tail.state.bytes, *header, identity).what.empty()) break;
    if (is_segments(*header)) tail.last_block = header->block;
    tail.state = behind(*header, tail.state);
  }
  return tail;
}

}  // namespace larimar::store

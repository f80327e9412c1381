#include "common/store/log_format.h"

// Bytes of log.000 ... log.255, numbers little-endian, floats IEEE 754 single:
//   log      = header record*
//   header   = magic:8 "LARIMLOG"  version:u32  shard:u32  folder:16 (low half first)  C:u32  D:u32  zero:16
//              check:u64 (XXH3-64 of the 56 bytes before)
//   record   = magic:u32 "LREC"  kind:u32  number:u64  payload_bytes:u64  payload_check:u64 (XXH3-64 of payload)
//              previous:u64 (check of the record before, of the log's header for record 0)
//              block:u64  document:u32  n:u32  begin:u64  end:u64  line:u64  tokens:u64  masked_bytes:u64
//              rows:u32  C:u32  D:u32  zero:12  check:u64 (XXH3-64 of the 120 bytes before)   payload
//   payload  = codes  keys  entries  owners      kind 1, segments
//            | ids                               kind 2, forget; n ids, all other numbers from block on are 0
//   codes    = f32[n, C] pad     keys = f32[rows, D] pad     entries = (id:u64 begin:u64 end:u64 line:u64)[n] pad
//   owners   = u32[rows] pad     ids = u64[n] pad            pad = zero bytes up to a multiple of 64
// So every header, payload and array starts at a multiple of 64 bytes of the file. docs/format.md has a worked example.

#include <bit>
#include <cstring>
#include <limits>

#include "common/base/checked.h"
#include "common/base/error.h"
#include "common/store/manifest.h"

namespace larimar::store {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian and used in place");

constexpr std::uint32_t kRecordMagic = 0x4345524C;  // "LREC"

struct LogHeader {
  char magic[8] = {'L', 'A', 'R', 'I', 'M', 'L', 'O', 'G'};
  std::uint32_t version = kFormatVersion;
  std::uint32_t shard = 0;
  std::uint64_t folder_low = 0;
  std::uint64_t folder_high = 0;
  std::uint32_t code_size = 0;
  std::uint32_t key_size = 0;
  std::uint64_t zero[2] = {0, 0};
  std::uint64_t check = 0;
};
static_assert(sizeof(LogHeader) == kLogHeaderBytes);

std::uint64_t padded(std::uint64_t bytes) {
  return base::checked_add<std::uint64_t>(bytes, kAlignment - 1, "size of a record") / kAlignment * kAlignment;
}

/// Where the arrays of a payload begin.
struct Layout {
  std::uint64_t keys = 0, entries = 0, owners = 0, end = 0;
};

Layout layout_of(std::uint64_t n, std::uint64_t rows, const LogIdentity& identity) {
  const auto array = [](std::uint64_t from, std::uint64_t count, std::uint64_t width, std::uint64_t item) {
    const std::string what = "size of a record";
    const std::uint64_t items = base::checked_multiply<std::uint64_t>(count, width, what);
    return base::checked_add<std::uint64_t>(from, padded(base::checked_multiply<std::uint64_t>(items, item, what)),
                                            what);
  };
  Layout layout;
  layout.keys = array(0, n, identity.code_size, sizeof(float));
  layout.entries = array(layout.keys, rows, identity.key_size, sizeof(float));
  layout.owners = array(layout.entries, n, 1, sizeof(SegmentEntry));
  layout.end = array(layout.owners, rows, 1, sizeof(std::uint32_t));
  return layout;
}

std::uint64_t expected_payload(const RecordHeader& header, const LogIdentity& identity) {
  if (header.kind == static_cast<std::uint32_t>(RecordKind::kForget)) {
    return padded(std::uint64_t{header.segments} * sizeof(std::uint64_t));
  }
  return layout_of(header.segments, header.key_rows, identity).end;
}

/// Why the parts of a block's record do not fit each other, empty if they do. The same when writing and reading.
std::string fault_of_record(const SegmentsRecord& record, const LogIdentity& identity) {
  const std::string block = "block " + std::to_string(record.block);
  if (record.block % kVirtualShards != identity.shard) {
    return block + " does not belong to virtual shard " + std::to_string(identity.shard);
  }
  if (record.begin > record.end) return block + " ends before it begins";
  if (record.segments.size() > std::numeric_limits<std::uint32_t>::max() ||
      record.key_owner.size() > std::numeric_limits<std::uint32_t>::max()) {
    return block + " has too many segments or keys";
  }
  if (record.codes.size() != record.segments.size() * identity.code_size) {
    return block + " has " + std::to_string(record.codes.size()) + " numbers in its codes, not " +
           std::to_string(record.segments.size()) + " x " + std::to_string(identity.code_size);
  }
  if (record.keys.size() != record.key_owner.size() * identity.key_size) {
    return block + " has " + std::to_string(record.keys.size()) + " numbers in its keys, not " +
           std::to_string(record.key_owner.size()) + " x " + std::to_string(identity.key_size);
  }
  for (const SegmentEntry& segment : record.segments) {
    if (segment.begin > segment.end || segment.begin < record.begin || segment.end > record.end) {
      return block + " has a segment outside its bytes";
    }
  }
  for (const std::uint32_t owner : record.key_owner) {
    if (owner >= record.segments.size())
      return block + " has a key of segment " + std::to_string(owner) + ", which is not there";
  }
  return {};
}

template <class T>
void put(std::vector<std::byte>& out, std::uint64_t offset, std::span<const T> values) {
  if (!values.empty()) std::memcpy(out.data() + kRecordHeaderBytes + offset, values.data(), values.size_bytes());
}

template <class T>
std::span<const T> take(std::span<const std::byte> payload, std::uint64_t offset, std::uint64_t count) {
  // Aligned, since payloads start at multiples of 64 of a mapping and arrays at multiples of 64 of the payload.
  return {reinterpret_cast<const T*>(payload.data() + offset), static_cast<std::size_t>(count)};
}

void put_payload(const SegmentsRecord& record, const LogIdentity& identity, RecordHeader& header,
                 std::vector<std::byte>& out) {
  const std::string fault = fault_of_record(record, identity);
  if (!fault.empty()) throw base::ShapeError(log_name(identity.shard) + " cannot take a record: " + fault);
  header.kind = static_cast<std::uint32_t>(RecordKind::kSegments);
  header.block = record.block;
  header.document = record.document;
  header.segments = static_cast<std::uint32_t>(record.segments.size());
  header.begin = record.begin;
  header.end = record.end;
  header.line = record.line;
  header.tokens = record.tokens;
  header.masked_bytes = record.masked_bytes;
  header.key_rows = static_cast<std::uint32_t>(record.key_owner.size());
  header.code_size = identity.code_size;
  header.key_size = identity.key_size;
  const Layout layout = layout_of(header.segments, header.key_rows, identity);
  out.assign(kRecordHeaderBytes + static_cast<std::size_t>(layout.end), std::byte{0});
  put(out, 0, record.codes);
  put(out, layout.keys, record.keys);
  put(out, layout.entries, record.segments);
  put(out, layout.owners, record.key_owner);
}

void put_payload(const ForgetRecord& record, const LogIdentity& identity, RecordHeader& header,
                 std::vector<std::byte>& out) {
  if (record.segments.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw base::ShapeError(log_name(identity.shard) + " cannot take a record: too many segments to forget at once");
  }
  header.kind = static_cast<std::uint32_t>(RecordKind::kForget);
  header.segments = static_cast<std::uint32_t>(record.segments.size());
  out.assign(kRecordHeaderBytes + static_cast<std::size_t>(padded(record.segments.size_bytes())), std::byte{0});
  put(out, 0, record.segments);
}

}  // namespace

EncodedLogHeader encode_log_header(const LogIdentity& identity) {
  LogHeader header;
  header.shard = identity.shard;
  header.folder_low = identity.folder.low;
  header.folder_high = identity.folder.high;
  header.code_size = identity.code_size;
  header.key_size = identity.key_size;
  header.check = hash64(std::as_bytes(std::span(&header, 1)).first(offsetof(LogHeader, check)));
  const auto bytes = std::as_bytes(std::span(&header, 1));
  return {.bytes = {bytes.begin(), bytes.end()}, .chain = header.check};
}

LogHeaderFinding check_log_header(std::span<const std::byte> log, const LogIdentity& identity) {
  if (log.size() < kLogHeaderBytes) {
    return {LogHeaderFault::kTorn,
            "it is shorter than the " + std::to_string(kLogHeaderBytes) + " bytes of a log's header"};
  }
  LogHeader header;
  std::memcpy(&header, log.data(), sizeof header);
  const bool whole = std::memcmp(header.magic, LogHeader{}.magic, sizeof header.magic) == 0 &&
                     header.check == hash64(log.first(offsetof(LogHeader, check)));
  if (!whole) return {LogHeaderFault::kTorn, "its first 64 bytes are no whole header of a log"};
  if (header.version > kFormatVersion) {
    return {LogHeaderFault::kNewer, "it was written by a newer Larimar-MPI (format " + std::to_string(header.version) +
                                        ", this program reads up to " + std::to_string(kFormatVersion) +
                                        "); use that version"};
  }
  const Hash128 folder{.high = header.folder_high, .low = header.folder_low};
  if (folder != identity.folder) {
    return {LogHeaderFault::kForeign,
            "it belongs to another memory (" + folder.text() + ", this one is " + identity.folder.text() + ")"};
  }
  if (header.shard != identity.shard) {
    return {LogHeaderFault::kForeign, "it is the log of virtual shard " + std::to_string(header.shard)};
  }
  if (header.code_size != identity.code_size || header.key_size != identity.key_size) {
    return {LogHeaderFault::kForeign, "its codes and keys have " + std::to_string(header.code_size) + " and " +
                                          std::to_string(header.key_size) + " numbers, the memory's " +
                                          std::to_string(identity.code_size) + " and " +
                                          std::to_string(identity.key_size)};
  }
  return {LogHeaderFault::kNone, {}, header.check};
}

std::uint64_t encode_record(const Record& record, const LogIdentity& identity, std::uint64_t number,
                            std::uint64_t previous, std::vector<std::byte>& out) {
  RecordHeader header;
  header.magic = kRecordMagic;
  header.number = number;
  header.previous = previous;
  std::visit([&](const auto& kind) { put_payload(kind, identity, header, out); }, record);
  const std::span<const std::byte> payload = std::span<const std::byte>(out).subspan(kRecordHeaderBytes);
  header.payload_bytes = payload.size();
  header.payload_check = hash64(payload);
  header.check = hash64(std::as_bytes(std::span(&header, 1)).first(offsetof(RecordHeader, check)));
  std::memcpy(out.data(), &header, sizeof header);
  return header.check;
}

std::optional<RecordHeader> header_at(std::span<const std::byte> log, std::uint64_t offset,
                                      const LogIdentity& identity) {
  if (offset > log.size() || log.size() - offset < kRecordHeaderBytes) return std::nullopt;
  const std::span<const std::byte> bytes = log.subspan(static_cast<std::size_t>(offset), kRecordHeaderBytes);
  RecordHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kRecordMagic || header.check != hash64(bytes.first(offsetof(RecordHeader, check))))
    return std::nullopt;
  const bool segments = header.kind == static_cast<std::uint32_t>(RecordKind::kSegments);
  const bool known = segments || header.kind == static_cast<std::uint32_t>(RecordKind::kForget);
  if (!known) return std::nullopt;
  if (segments && (header.code_size != identity.code_size || header.key_size != identity.key_size)) return std::nullopt;
  if (header.payload_bytes != expected_payload(header, identity)) return std::nullopt;
  return header;
}

DecodedRecord decode_record(std::span<const std::byte> log, std::uint64_t offset, const RecordHeader& header,
                            const LogIdentity& identity) {
  const std::span<const std::byte> payload = log.subspan(static_cast<std::size_t>(offset) + kRecordHeaderBytes,
                                                         static_cast<std::size_t>(header.payload_bytes));
  if (hash64(payload) != header.payload_check) return {{}, "its payload does not have the checksum in its header"};
  if (header.kind == static_cast<std::uint32_t>(RecordKind::kForget)) {
    return {ForgetRecord{.segments = take<std::uint64_t>(payload, 0, header.segments)}, {}};
  }
  const Layout layout = layout_of(header.segments, header.key_rows, identity);
  const SegmentsRecord record{
      .block = header.block,
      .document = header.document,
      .begin = header.begin,
      .end = header.end,
      .line = header.line,
      .tokens = header.tokens,
      .masked_bytes = header.masked_bytes,
      .segments = take<SegmentEntry>(payload, layout.entries, header.segments),
      .codes = take<float>(payload, 0, std::uint64_t{header.segments} * identity.code_size),
      .keys = take<float>(payload, layout.keys, std::uint64_t{header.key_rows} * identity.key_size),
      .key_owner = take<std::uint32_t>(payload, layout.owners, header.key_rows)};
  return {record, fault_of_record(record, identity)};
}

}  // namespace larimar::store

#pragma once
// Bytes of a log to structs and back. The grammar stands at the top of log_format.cc.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/store/record.h"

namespace larimar::store {

inline constexpr std::size_t kLogHeaderBytes = 64;
inline constexpr std::size_t kRecordHeaderBytes = 128;
inline constexpr std::size_t kAlignment = 64;

enum class RecordKind : std::uint32_t { kSegments = 1, kForget = 2 };

/// A record's header as it stands in the file. Its `check` is the hash of all before it, and the next record's
/// `previous`: a chain from the log's header to the last record.
struct RecordHeader {
  std::uint32_t magic = 0;
  std::uint32_t kind = 0;
  std::uint64_t number = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t payload_check = 0;
  std::uint64_t previous = 0;
  std::uint64_t block = 0;
  std::uint32_t document = 0;
  std::uint32_t segments = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t line = 0;
  std::uint64_t tokens = 0;
  std::uint64_t masked_bytes = 0;
  std::uint32_t key_rows = 0;
  std::uint32_t code_size = 0;
  std::uint32_t key_size = 0;
  std::uint32_t zero[3] = {0, 0, 0};
  std::uint64_t check = 0;
};
static_assert(sizeof(RecordHeader) == kRecordHeaderBytes);

/// A log's first bytes, and the chain that begins with them.
struct EncodedLogHeader {
  std::vector<std::byte> bytes;  // kLogHeaderBytes
  std::uint64_t chain = 0;
};
[[nodiscard]] EncodedLogHeader encode_log_header(const LogIdentity& identity);

/// What the log's first bytes say.
enum class LogHeaderFault {
  kNone,
  kTorn,     // not a whole header: shorter, or its checksum is wrong
  kNewer,    // a newer format version
  kForeign,  // whole, but of another folder, shard or size
};
struct LogHeaderFinding {
  LogHeaderFault fault = LogHeaderFault::kNone;
  std::string what;
  std::uint64_t chain = 0;  // without fault
};
[[nodiscard]] LogHeaderFinding check_log_header(std::span<const std::byte> log, const LogIdentity& identity);

/// Puts header and payload of a record into `out`, which is overwritten. Returns its link of the chain.
/// Throws ShapeError if the spans disagree with each other or with the identity (see fault_of_record in log_format.cc).
std::uint64_t encode_record(const Record& record, const LogIdentity& identity, std::uint64_t number,
                            std::uint64_t previous, std::vector<std::byte>& out);

/// The header at `offset` if one stands there whole: magic and checksum are right and the payload it announces is the
/// one its counts imply. Says nothing about its place in the chain, nor about whether the payload lies within the file.
[[nodiscard]] std::optional<RecordHeader> header_at(std::span<const std::byte> log, std::uint64_t offset,
                                                    const LogIdentity& identity);

/// The record behind a header. Call only if header and payload lie within `log`.
/// `what` says why it cannot be used; empty: it can.
struct DecodedRecord {
  Record record;
  std::string what;
};
[[nodiscard]] DecodedRecord decode_record(std::span<const std::byte> log, std::uint64_t offset,
                                          const RecordHeader& header, const LogIdentity& identity);

}  // namespace larimar::store

#pragma once
// What a log holds. The same structs are written and read; read ones point into the mapped log.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "common/store/hash.h"

namespace larimar::store {

/// A segment within its document. Stored as it stands here.
struct SegmentEntry {
  std::uint64_t id = 0;     // base::SegmentId
  std::uint64_t begin = 0;  // bytes [begin, end) of the document, within the block
  std::uint64_t end = 0;
  std::uint64_t line = 0;  // of its first byte, in the document
  friend bool operator==(const SegmentEntry&, const SegmentEntry&) = default;
};
static_assert(sizeof(SegmentEntry) == 32);

/// One encoded block: the kind `segments`. A block without segments has a record too, so that a missing one is noticed.
/// Shapes  segments [n]; codes [n, C], keys [rows, D] row-major; key_owner [rows], positions in segments.
///         C and D are the log's; n is 0 ... 2^32 - 1, rows likewise.
struct SegmentsRecord {
  std::uint64_t block = 0;     // number in the memory; block % kVirtualShards is the log's shard; rises within a log
  std::uint32_t document = 0;  // position in the manifest's documents
  std::uint64_t begin = 0;     // bytes [begin, end) of the document
  std::uint64_t end = 0;
  std::uint64_t line = 0;  // of byte `begin`, in the document
  std::uint64_t tokens = 0;
  std::uint64_t masked_bytes = 0;
  std::span<const SegmentEntry> segments;
  std::span<const float> codes;  // 64-byte aligned when read
  std::span<const float> keys;   // 64-byte aligned when read
  std::span<const std::uint32_t> key_owner;
};

/// Segments that are to be as if they had never been written: the kind `forget`.
struct ForgetRecord {
  std::span<const std::uint64_t> segments;  // ids
};

using Record = std::variant<SegmentsRecord, ForgetRecord>;

/// A record of a log, and where it stands.
struct ReadRecord {
  std::uint64_t number = 0;  // in the log, from 0
  std::uint64_t offset = 0;  // of its header in the file
  std::uint64_t bytes = 0;   // header and payload
  Record record;
};

/// Which log, of whom, with which sizes: all of it stands in the log's header and must fit.
struct LogIdentity {
  Hash128 folder{};
  std::uint32_t shard = 0;
  std::uint32_t code_size = 0;  // C
  std::uint32_t key_size = 0;   // D
  friend bool operator==(const LogIdentity&, const LogIdentity&) = default;
};

/// "log.007"
[[nodiscard]] std::string log_name(std::uint32_t shard);

/// Bytes that cannot be used, and what they held as far as that can still be told.
struct Damage {
  std::filesystem::path file;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;    // 0: not known
  std::uint64_t record = 0;   // first one hit
  std::uint64_t records = 1;  // how many are lost
  std::optional<std::uint64_t> block{};
  std::optional<std::uint32_t> document{};
  std::uint64_t begin = 0;  // bytes [begin, end) of the document; known if `document` is
  std::uint64_t end = 0;
  std::string what{};
  std::string document_path{};  // as the manifest gives it; empty where only the log was read

  /// One sentence.
  [[nodiscard]] std::string text() const;
};

}  // namespace larimar::store

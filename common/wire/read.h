#pragma once
// The data plane of a read: fixed structs that travel as their bytes, followed by raw row-major floats. Little-endian
// machines of one job only; nothing here is stored on disk.
//
//   read keys    := ReadHeader(kKeys, rows = queries, columns = key size)       float[rows * columns]
//   candidates   := ReadHeader(kCandidates, rows = queries, columns = k)        Candidate[rows * columns]
//   merged       := ReadHeader(kMerged, shard = the first of the run, rows = queries, columns = asked)
//                   Proposal[rows * columns]  ReadStatus[shards of the run]              (common/wire/merged.h)
//   code request := ReadHeader(kCodeRequest, rows = requests, columns = 1)      CodeRequest[rows]
//   codes        := ReadHeader(kCodes, rows = requests, columns = code size)    CodeRecord[rows]  float[rows * columns]
//   blend        := ReadHeader(kBlend, rows = requests, columns = code size) CodeRecord[rows] float[queries * (2 + columns)]
//                   for each query m * temperature (the best score), l and o [code size] of a softmax part
//                   (common/linalg/softmax.h)
//   slot reads   := ReadHeader(kSlotReads, rows = queries * rows a query, columns = code size) SlotRead[rows]
//                   float[rows * columns], then the members as a message of kind kCandidates
// Sizes follow from the question, so a shard that failed still sends its turn: the same shape, with status kFailed and zeros.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "common/base/ids.h"

namespace larimar::wire {

enum class ReadStatus : std::uint32_t {
  kOk = 0,        // the whole share of this shard took part
  kEmpty = 1,     // nothing is stored here; the payload is absent values
  kDegraded = 2,  // some of the share is missing; the rest is valid
  kFailed = 3,    // nothing of the payload may be used
};

enum class ReadKind : std::uint16_t {
  kKeys = 1,
  kCandidates = 2,
  kCodeRequest = 3,
  kCodes = 4,
  kSlotReads = 5,
  kBlend = 6,
  kMerged = 7
};

inline constexpr std::uint32_t kReadMagic = 0x4452414C;  // "LARD" in memory order
inline constexpr std::uint16_t kReadVersion = 1;

/// Starts every message of a read.
struct ReadHeader {
  std::uint32_t magic = kReadMagic;
  std::uint16_t version = kReadVersion;
  ReadKind kind = ReadKind::kKeys;
  ReadStatus status = ReadStatus::kOk;
  base::ShardId shard{};
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint64_t step = 0;  // counts the reads of a job, so a late reply to an earlier read is noticed
  friend bool operator==(const ReadHeader&, const ReadHeader&) = default;
};
static_assert(std::is_trivially_copyable_v<ReadHeader> && sizeof(ReadHeader) == 32);
static_assert(offsetof(ReadHeader, kind) == 6 && offsetof(ReadHeader, status) == 8 &&
              offsetof(ReadHeader, shard) == 12);
static_assert(offsetof(ReadHeader, rows) == 16 && offsetof(ReadHeader, columns) == 20 &&
              offsetof(ReadHeader, step) == 24);

/// Checks a header that a peer sent against the one that this side expects; status and shard are the sender's to choose
/// (a status outside the enum is refused).
/// Calls   local.
/// Throws  CommError naming the field, both values and the shard.
void check_header(const ReadHeader& received, const ReadHeader& expected);

/// One segment proposed as an answer to one query.
struct Candidate {
  float score = -std::numeric_limits<float>::infinity();            // key similarity; finite unless absent
  base::SlotIndex slot{std::numeric_limits<std::uint32_t>::max()};  // in the shard that proposed it
  base::SegmentId segment{std::numeric_limits<std::uint64_t>::max()};
  friend bool operator==(const Candidate&, const Candidate&) = default;
};
static_assert(std::is_trivially_copyable_v<Candidate> && sizeof(Candidate) == 16);
static_assert(offsetof(Candidate, slot) == 4 && offsetof(Candidate, segment) == 8);

/// Fills the places of a shard that has fewer segments than were asked for.
inline constexpr Candidate kAbsent{};
[[nodiscard]] constexpr bool is_absent(const Candidate& candidate) { return candidate.segment == kAbsent.segment; }

/// The one order of candidates, everywhere: higher score first, equal scores by the lower segment. Absent ones come last.
[[nodiscard]] constexpr bool ranks_before(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.segment < b.segment;
}

/// A candidate that has left its shard: the best of several shards travel together.
struct Proposal {
  Candidate candidate{};  // kAbsent where the run of shards has fewer segments
  base::ShardId shard{std::numeric_limits<std::uint32_t>::max()};
  std::uint32_t reserved = 0;
  friend bool operator==(const Proposal&, const Proposal&) = default;
};
static_assert(std::is_trivially_copyable_v<Proposal> && sizeof(Proposal) == 24);
static_assert(offsetof(Proposal, shard) == 16);

/// The one order of proposals: as ranks_before, and one segment on two shards by the lower shard.
[[nodiscard]] constexpr bool proposal_before(const Proposal& a, const Proposal& b) {
  if (a.candidate.score != b.candidate.score || a.candidate.segment != b.candidate.segment)
    return ranks_before(a.candidate, b.candidate);
  return a.shard < b.shard;
}

/// The coordinator wants the code in this slot of the receiving shard.
struct CodeRequest {
  std::uint32_t query = 0;
  std::uint32_t rank = 0;  // place among the query's winners, 0 is best
  base::SlotIndex slot{};
  std::uint32_t reserved = 0;
};
static_assert(std::is_trivially_copyable_v<CodeRequest> && sizeof(CodeRequest) == 16);
static_assert(offsetof(CodeRequest, slot) == 8);

/// Where a returned code comes from: all that a citation needs. The floats follow in the order of the records.
struct CodeRecord {
  base::SegmentId segment{};
  std::uint64_t byte_begin = 0;  // in the document as it lies on disk
  std::uint64_t byte_end = 0;    // one past the last byte
  std::uint64_t line = 0;        // of the first byte, counted from 1
  std::uint32_t document = 0;
  base::ShardId shard{};
  base::SlotIndex slot{};
  ReadStatus status = ReadStatus::kOk;  // kEmpty: no such winner; kFailed: the shard could not give it
};
static_assert(std::is_trivially_copyable_v<CodeRecord> && sizeof(CodeRecord) == 48);
static_assert(offsetof(CodeRecord, byte_end) == 16 && offsetof(CodeRecord, line) == 24 &&
              offsetof(CodeRecord, document) == 32);
static_assert(offsetof(CodeRecord, shard) == 36 && offsetof(CodeRecord, slot) == 40 &&
              offsetof(CodeRecord, status) == 44);

/// A shard's share of a read of shared slots; the floats follow. One-hot addressing: its mean code of one row near to the
/// query. Dense and Gaussian: its part of w M, with row and score 0.
struct SlotRead {
  std::uint64_t count = 0;  // codes written behind the floats; 0 means this shard wrote nothing there: they are zero
  std::uint32_t row = 0;    // of the codebook; the same on every shard
  float score = 0;          // <read key, row>
};
static_assert(std::is_trivially_copyable_v<SlotRead> && sizeof(SlotRead) == 16);
static_assert(offsetof(SlotRead, row) == 8 && offsetof(SlotRead, score) == 12);

}  // namespace larimar::wire

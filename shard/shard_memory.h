#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/linalg/matrix.h"
#include "common/wire/read.h"
#include "shard/key_index.h"
#include "shard/row_store.h"
#include "shard/segment_table.h"
#include "shard/write_solver.h"

namespace larimar::shard {

/// How keys become slots. The table of all combinations is in docs/numerics.md.
enum class Addressing {
  kNearestStored,    // every segment has its own slot, its write keys are the key memory: the write is exact
  kNearestCodebook,  // K rows given beforehand; a slot holds the mean of the codes whose keys are nearest to its row
};

struct ShardMemoryOptions {
  Addressing addressing = Addressing::kNearestStored;
  linalg::Index code_size = 0;  // C
  linalg::Index key_size = 0;   // D
  linalg::Matrix codebook{};    // [K, D] with kNearestCodebook, else empty
};

/// Segments that are written together.
struct AppendBatch {
  std::span<const SegmentInfo> segments{};     // [segments]
  linalg::ConstMatrixRef codes;                // [segments, C]
  linalg::ConstMatrixRef keys;                 // [rows, D], rows >= segments
  std::span<const std::uint32_t> key_owner{};  // [rows], position in `segments`; each segment owns at least one row
};

/// A shard's share of a codebook read.
struct SlotReads {
  std::vector<wire::SlotRead> reads{};  // [queries]
  linalg::Matrix codes{};               // [queries, C], the slot's mean; zero where the count is 0
  std::vector<wire::Candidate>
      members{};  // [queries, k] segments of the slot whose keys are nearest to the query, for citations
};

/// One shard's memory: its segments, their keys, and M. A segment is known by the SlotIndex of its arrival; in stored
/// addressing that is also its row of M.
/// Write all (append), solve once, then read. Owns everything; one thread writes, many may read after solve().
class ShardMemory {
 public:
  /// Throws ShapeError for sizes below 1, K = 0, a codebook of another width or one that stored addressing has no use for.
  explicit ShardMemory(ShardMemoryOptions options);

  /// Throws ShapeError if shapes disagree, an owner is out of range or a segment has no key; NumericalError naming the row
  /// for NaN or infinity; FormatError for a segment that is already there. The memory is unchanged then.
  void append(const AppendBatch& batch);

  /// Least squares over what was appended. Idempotent; after it reads are allowed. Cost: stored, none; codebook, slots x C.
  void solve();

  [[nodiscard]] wire::ReadStatus status() const {
    return size() == 0 ? wire::ReadStatus::kEmpty : wire::ReadStatus::kOk;
  }
  [[nodiscard]] Addressing addressing() const { return options_.addressing; }
  [[nodiscard]] linalg::Index code_size() const { return options_.code_size; }
  [[nodiscard]] linalg::Index key_size() const { return options_.key_size; }
  /// Segments written.
  [[nodiscard]] std::size_t size() const { return segments_.size(); }
  /// Precondition: slot.value < size().
  [[nodiscard]] const SegmentInfo& segment(base::SlotIndex slot) const { return segments_.at(slot); }
  [[nodiscard]] std::optional<base::SlotIndex> find(base::SegmentId id) const { return segments_.find(id); }

  /// The k best segments for each read key. To know the margin of the best, ask for k >= 2.
  /// Shapes  keys [queries, D]; returns [queries, k], kAbsent where there are fewer segments.
  /// Calls   local. Throws as KeyIndex::scan; Error(kInternal) before solve().
  [[nodiscard]] std::vector<wire::Candidate> read_candidates(linalg::ConstMatrixRef keys, std::size_t k) const;

  /// A segment's row of M, bit for bit the code that was written. Stored addressing only (Error(kInternal)).
  /// Precondition: slot.value < size(). Valid while the memory lives.
  [[nodiscard]] std::span<const float> code(base::SlotIndex slot) const;

  /// For each read key the local mean of its codebook row. Codebook addressing only.
  /// Shapes  keys [queries, D]. Calls local. Throws as read_candidates.
  [[nodiscard]] SlotReads read_slots(linalg::ConstMatrixRef keys, std::size_t k) const;

 private:
  void check(const AppendBatch& batch) const;
  void require(Addressing addressing) const;

  ShardMemoryOptions options_;  // its codebook has moved into solver_
  SegmentTable segments_;
  KeyIndex keys_;
  RowStore codes_;                                        // stored: M [segments, C]
  std::optional<WriteSolver> solver_;                     // codebook
  std::vector<std::vector<std::uint32_t>> rows_of_slot_;  // codebook: key rows written to each slot
  bool solved_ = true;
};

}  // namespace larimar::shard

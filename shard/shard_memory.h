#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "common/base/ids.h"
#include "common/linalg/matrix.h"
#include "common/memory/addresser.h"
#include "common/memory/rules.h"
#include "common/wire/read.h"
#include "shard/key_index.h"
#include "shard/row_store.h"
#include "shard/segment_table.h"
#include "shard/weighted_solver.h"
#include "shard/write_solver.h"

namespace larimar::shard {

struct ShardMemoryOptions {
  memory::MemoryRules rules{};
  linalg::Index code_size = 0;  // C
  linalg::Index key_size = 0;   // D
  std::shared_ptr<const memory::Addresser>
      addresser{};          // the key memory M0 [K, D] of a codebook; null with stored keys
  bool keep_codes = false;  // of a codebook memory, so that segments can be forgotten; with stored keys they are M
  KeyStore key_store = KeyStore::kFloat32;  // what scans pass over; answers are the same
  std::filesystem::path key_folder{};       // compressed keys in a mapped file there; empty: in memory
};

/// Segments that are written together.
struct AppendBatch {
  std::span<const SegmentInfo> segments{};     // [segments]
  linalg::ConstMatrixRef codes;                // [segments, C]
  linalg::ConstMatrixRef keys;                 // [rows, D], rows >= segments
  std::span<const std::uint32_t> key_owner{};  // [rows], position in `segments`; each segment owns at least one row
  Keep keep = Keep::kCopy;                     // kBorrow: codes and keys, without gaps between rows, outlive the memory
};

/// A shard's share of a read of shared slots.
struct SlotReads {
  std::vector<wire::SlotRead> reads{};     // [queries * rows]
  linalg::Matrix codes{};                  // [queries * rows, C]; zero where the count is 0
  std::vector<wire::Candidate> members{};  // [queries, k] segments whose keys are nearest to the query, for citations
};

/// One shard's memory: its segments, their keys, and M. A segment is known by the SlotIndex of its arrival; with stored
/// keys that is also its row of M. docs/numerics.md has the table of all kinds.
/// Append and forget, solve, then read. Owns everything; one thread writes, many may read after solve().
class ShardMemory {
 public:
  /// Throws ShapeError for sizes below 1, a key memory of another width, one that stored keys have no use for, or none
  /// where one is needed; ConfigError as memory::check.
  explicit ShardMemory(ShardMemoryOptions options);

  /// Throws ShapeError if shapes disagree, an owner is out of range or a segment has no key; NumericalError naming the row
  /// for NaN or infinity; FormatError for a segment that is already there. The memory is unchanged then.
  void append(const AppendBatch& batch);

  /// Room for what will come, so that it takes no more memory than it needs.
  void reserve(std::size_t segments, std::size_t keys);

  /// Afterwards the memory is that of the other segments: the same candidates bit for bit; M as in docs/numerics.md.
  /// Throws Error(kDegraded) listing the ids that are not here, and changes nothing; Error(kInternal) for a codebook memory
  /// that does not keep codes.
  void forget(std::span<const base::SegmentId> ids);

  /// Least squares over what is written, where this shard solves by itself. Idempotent; after it reads are allowed.
  void solve();
  /// With global solving of dense or Gaussian weights: what the coordinator needs, and M that it gives back.
  [[nodiscard]] const linalg::GramStatistics& statistics() const;
  void adopt(const linalg::Matrix& memory, SlotRange mine);

  [[nodiscard]] wire::ReadStatus status() const {
    return live() == 0 ? wire::ReadStatus::kEmpty : wire::ReadStatus::kOk;
  }
  [[nodiscard]] const memory::MemoryRules& rules() const { return options_.rules; }
  [[nodiscard]] linalg::Index code_size() const { return options_.code_size; }
  [[nodiscard]] linalg::Index key_size() const { return options_.key_size; }
  /// Slots given out; segments that are there.
  [[nodiscard]] std::size_t size() const { return segments_.size(); }
  [[nodiscard]] std::size_t live() const { return segments_.live(); }
  /// Precondition: slot.value < size().
  [[nodiscard]] const SegmentInfo& segment(base::SlotIndex slot) const { return segments_.at(slot); }
  [[nodiscard]] const SegmentTable& segments() const { return segments_; }
  [[nodiscard]] KeyStore key_store() const { return keys_.scanned().store(); }
  /// Segments with a key of at least this similarity to `key` [1, D], ascending.
  [[nodiscard]] std::vector<base::SegmentId> matches(linalg::ConstMatrixRef key, float threshold) const {
    return keys_.matches(key, threshold);
  }

  /// The k best segments for each read key. To know the margin of the best, ask for k >= 2.
  /// Shapes  keys [queries, D]; returns [queries, k], kAbsent where there are fewer segments.
  /// Calls   local. Throws as KeyIndex::scan; Error(kInternal) before solve().
  [[nodiscard]] std::vector<wire::Candidate> read_candidates(linalg::ConstMatrixRef keys, std::size_t k) const;

  /// A segment's code, bit for bit as it was written. Error(kInternal) if the memory does not keep codes.
  /// Precondition: slot.value < size(). Valid while the memory lives.
  [[nodiscard]] std::span<const float> code(base::SlotIndex slot) const;

  /// Codebook only: this shard's share. Shapes keys [queries, D]. `rows` a query: the top rows of topk, otherwise 1.
  /// Calls   local. Throws as read_candidates.
  [[nodiscard]] SlotReads read_slots(linalg::ConstMatrixRef keys, std::size_t rows, std::size_t k) const;

 private:
  void check(const AppendBatch& batch) const;
  void require(bool possible) const;
  void append_codes(const AppendBatch& batch);
  void forget_from_slots(const std::unordered_set<base::SlotIndex>& slots);
  [[nodiscard]] SlotReads read_one_hot(linalg::ConstMatrixRef keys, std::size_t rows) const;
  [[nodiscard]] bool keeps_codes() const { return is_stored() || options_.keep_codes; }
  [[nodiscard]] bool is_stored() const { return options_.rules.key_memory == memory::KeyMemory::kStored; }

  ShardMemoryOptions options_;
  SegmentTable segments_;
  KeyIndex keys_;
  RowStore codes_;                                        // [size(), C] if kept; with stored keys this is M
  std::optional<WriteSolver> one_hot_;                    // codebook: nearest, topk
  std::optional<WeightedSolver> weighted_;                // codebook: dense, gaussian
  std::vector<std::vector<std::uint32_t>> rows_of_slot_;  // one_hot_: key rows written to each slot
  bool solved_ = true;
};

}  // namespace larimar::shard

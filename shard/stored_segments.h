#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/linalg/matrix.h"
#include "common/store/folder.h"
#include "shard/shard_memory.h"

namespace larimar::shard {

/// Sums over the records of a shard's logs. Travels as its bytes.
struct StoredTotals {
  std::uint64_t blocks = 0, segments = 0, forgotten = 0, tokens = 0, masked_bytes = 0, bytes = 0;
};

/// What a memory folder holds of one shard: the segments of its logs that were not forgotten since. A segment that was
/// forgotten and written again counts where it was written last.
/// Owns the mapped logs; immutable after construction.
class StoredSegments {
 public:
  /// Reads and checks all of the logs up to `states`. Throws FormatError as store::LogReader (with kThrow).
  /// Calls   local. Cost: one pass over the logs; memory for the ids.
  StoredSegments(const store::Folder& folder, std::span<const store::LogState> states,
                 store::OnDamage on_damage = store::OnDamage::kThrow);

  /// Every record with the segments that are there, those that were forgotten left out; in the order of logs and records.
  /// What is handed out is valid during the call.
  void visit(const std::function<void(const store::SegmentsRecord&)>& visitor) const;
  /// Appends all of them, in the order of logs and records. The memory is not solved. With kBorrow codes and keys stay in the
  /// mapped logs, except those of records of which something was forgotten; keep take_logs() as long as the memory.
  /// Throws as ShardMemory::append.
  void load(ShardMemory& memory, Keep keep = Keep::kCopy) const;
  [[nodiscard]] std::vector<store::LogReader> take_logs() && { return std::move(readers_); }

  /// A segment that is there, as its record has it.
  struct Found {
    const store::SegmentsRecord* record = nullptr;
    std::uint32_t segment = 0;  // position in the record
    std::uint32_t log = 0;
  };
  [[nodiscard]] std::optional<Found> find(base::SegmentId id) const;
  /// Virtual shard of a segment that is there.
  [[nodiscard]] std::optional<std::uint32_t> log_of(base::SegmentId id) const;
  /// Segments of these documents that are there, rising. Cost: all segments.
  [[nodiscard]] std::vector<base::SegmentId> ids_of_documents(const std::set<std::uint32_t>& documents) const;
  /// Write keys of the segments whose id hashes to 0 modulo `stride`, by log and record. Returns keys [n, D] and their ids.
  struct KeySample {
    linalg::Matrix keys;
    std::vector<base::SegmentId> ids;
  };
  [[nodiscard]] KeySample sample_keys(std::uint64_t stride) const;
  [[nodiscard]] std::uint64_t key_rows() const;

  [[nodiscard]] const StoredTotals& totals() const { return totals_; }
  [[nodiscard]] const std::vector<store::Damage>& damages() const { return damages_; }

 private:
  struct Place {
    std::uint32_t record = 0, segment = 0;
  };
  using Live = std::unordered_map<std::uint64_t, Place>;
  // Within one log: a forget takes out what stands before it there, since a segment that is written again may go elsewhere.
  void take(const store::SegmentsRecord& record, std::uint32_t log, Live& live);
  void forget(const store::ForgetRecord& record, Live& live);
  void merge(Live& live, std::uint32_t log);
  [[nodiscard]] bool is_live(std::uint32_t record, std::uint32_t segment) const;
  [[nodiscard]] bool is_whole(std::uint32_t number) const {
    return live_in_record_[number] == records_[number].segments.size();
  }
  void let_go_of(std::uint32_t log) const;
  void visit_part(std::uint32_t number, const std::function<void(const store::SegmentsRecord&)>& visitor) const;

  linalg::Index code_size_, key_size_;
  std::vector<store::LogReader> readers_;       // own what records_ point into
  std::vector<store::SegmentsRecord> records_;  // by log, in order
  std::vector<std::uint32_t> log_of_record_;    // [records]
  Live live_;
  std::vector<std::uint32_t> live_in_record_;  // [records]
  StoredTotals totals_;
  std::vector<store::Damage> damages_;
};

}  // namespace larimar::shard

#pragma once
// Shards of a memory with shared slots, read together; and the same memory in one process and in double.
#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "coordinator/aggregator.h"
#include "shard/shard_memory.h"
#include "tests/support/memory_rules.h"
#include "tests/unit/shard/random_context.h"

namespace larimar::test {

inline constexpr linalg::Index kSlots = 12;
inline constexpr linalg::Index kSize = 16;  // of codes and of keys, so that a hierarchical read is possible
inline constexpr std::size_t kMembers = 3;

/// A kind of memory, named for messages.
struct Kind {
  memory::MemoryRules rules;
  std::shared_ptr<const memory::Addresser> addresser;  // null with stored keys
  [[nodiscard]] std::string name() const;
};

/// Every kind that shares slots, over the same key memory.
[[nodiscard]] std::vector<Kind> kinds_of_shared_slots(double ridge);
[[nodiscard]] linalg::Matrix test_key_memory();

/// Shards that hold a context's segments in turn, the last `empty` of them nothing.
class Shards {
 public:
  Shards(const Kind& kind, const tests::RandomContext& context, std::size_t count, std::size_t empty = 0);

  /// Each shard's solution, or all shards' sums solved once and handed out in slices of rows.
  void solve();
  /// Replies in an order that `seed` shuffles.
  [[nodiscard]] coordinator::SlotResult read(const linalg::Matrix& keys, std::uint64_t seed) const;
  [[nodiscard]] shard::ShardMemory& operator[](std::size_t s) { return shards_[s]; }
  [[nodiscard]] std::size_t size() const { return shards_.size(); }
  /// The shard that has a segment.
  [[nodiscard]] shard::ShardMemory& owner(base::SegmentId id);

 private:
  Kind kind_;
  std::vector<shard::ShardMemory> shards_;
};

/// What the shards' reads must be, from the formulas of docs/numerics.md, in double; parts[s] is the context of shard s.
[[nodiscard]] linalg::MatrixF64 slow_read(const Kind& kind, const std::vector<tests::RandomContext>& parts,
                                          const linalg::Matrix& keys);

/// The context dealt out as Shards does.
[[nodiscard]] std::vector<tests::RandomContext> deal(const tests::RandomContext& context, std::size_t shards);

}  // namespace larimar::test

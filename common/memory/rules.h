#pragma once
// What kind of memory a job has: the one place that names addressing, aggregation and solver, and says which of their
// combinations mean something. The same table, with words, stands in docs/numerics.md.
#include <cstddef>
#include <string>
#include <string_view>

namespace larimar::memory {

/// How a key becomes weights over slots (2403.11901, 2407.01437).
enum class Addressing {
  kDense,     // w = key M0^+
  kGaussian,  // w_k ~ exp(-|key - M0_k|^2 / (2 alpha))
  kNearest,   // one-hot at the nearest row
  kTopK,      // written as nearest, read as softmax over the k best rows
};
/// What the slots are.
enum class KeyMemory {
  kStored,    // the write keys themselves: one slot for each segment
  kCodebook,  // K rows given beforehand, M0: several segments may share a slot
};
/// How the shards' partial reads become z_read.
enum class Aggregation { kBest, kSum, kTopK, kHierarchical };
/// Whose least squares is solved, and how.
enum class Solve {
  kGlobal,    // that of all shards together: Gram matrices are summed
  kLocal,     // each shard its own
  kBenCohen,  // each shard its own, pseudo-inverses by the fixed-step iteration
};
/// Dense reads only.
enum class ReadWeights {
  kKeyMemory,  // w = key M0^+
  kMemory,     // w = key M^+, the memory's own pseudo-inverse; codes are the keys (D = C)
};

struct MemoryRules {
  Addressing addressing = Addressing::kNearest;
  KeyMemory key_memory = KeyMemory::kStored;
  Aggregation aggregation = Aggregation::kBest;
  Solve solve = Solve::kGlobal;
  ReadWeights read_weights = ReadWeights::kKeyMemory;
  std::size_t slots = 0;      // K of a codebook; 0 with stored keys
  double ridge = 0.0;         // >= 0
  double alpha = 1e-3;        // > 0; variance of the Gaussian
  double temperature = 0.05;  // > 0; of the softmax
  std::size_t top = 4;        // k >= 1 rows of topk
  int steps = 15;             // of ben-cohen: 3, 7, 15 in 2403.11901
  friend bool operator==(const MemoryRules&, const MemoryRules&) = default;
};

/// Names as the command line and the manifest write them ("ben-cohen"); parse throws UsageError listing the names.
[[nodiscard]] std::string_view name_of(Addressing value);
[[nodiscard]] std::string_view name_of(KeyMemory value);
[[nodiscard]] std::string_view name_of(Aggregation value);
[[nodiscard]] std::string_view name_of(Solve value);
[[nodiscard]] std::string_view name_of(ReadWeights value);
[[nodiscard]] Addressing parse_addressing(std::string_view name);
[[nodiscard]] KeyMemory parse_key_memory(std::string_view name);
[[nodiscard]] Aggregation parse_aggregation(std::string_view name);
[[nodiscard]] Solve parse_solve(std::string_view name);
[[nodiscard]] ReadWeights parse_read_weights(std::string_view name);

/// The aggregation that fits when the user names none.
[[nodiscard]] Aggregation usual_aggregation(Addressing addressing, KeyMemory key_memory, Solve solve);

/// Why these rules make no memory, as one sentence with the way out; empty if they do. key_size and code_size 0: not known yet.
[[nodiscard]] std::string refusal(const MemoryRules& rules, std::size_t key_size, std::size_t code_size);
/// Throws ConfigError with the refusal.
void check(const MemoryRules& rules, std::size_t key_size, std::size_t code_size);

}  // namespace larimar::memory

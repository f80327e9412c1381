#include "common/memory/rules.h"

#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "common/base/error.h"

namespace larimar::memory {
namespace {

template <typename Enum>
using Name = std::pair<Enum, std::string_view>;

constexpr std::array kAddressings{
    Name<Addressing>{Addressing::kDense, "dense"}, Name<Addressing>{Addressing::kGaussian, "gaussian"},
    Name<Addressing>{Addressing::kNearest, "nearest"}, Name<Addressing>{Addressing::kTopK, "topk"}};
constexpr std::array kKeyMemories{Name<KeyMemory>{KeyMemory::kStored, "stored"},
                                  Name<KeyMemory>{KeyMemory::kCodebook, "codebook"}};
constexpr std::array kAggregations{
    Name<Aggregation>{Aggregation::kBest, "best"}, Name<Aggregation>{Aggregation::kSum, "sum"},
    Name<Aggregation>{Aggregation::kTopK, "topk"}, Name<Aggregation>{Aggregation::kHierarchical, "hierarchical"}};
constexpr std::array kSolves{Name<Solve>{Solve::kGlobal, "global"}, Name<Solve>{Solve::kLocal, "local"},
                             Name<Solve>{Solve::kBenCohen, "ben-cohen"}};
constexpr std::array kReadWeights{Name<ReadWeights>{ReadWeights::kKeyMemory, "key-memory"},
                                  Name<ReadWeights>{ReadWeights::kMemory, "memory"}};

template <typename Names, typename Enum>
std::string_view find_name(const Names& names, Enum value) {
  for (const auto& [candidate, name] : names) {
    if (candidate == value) return name;
  }
  return "unknown";
}

template <typename Names>
auto parse(const Names& names, std::string_view text, std::string_view what) {
  std::string known;
  for (const auto& [value, name] : names) {
    if (name == text) return value;
    known += known.empty() ? "" : ", ";
    known += name;
  }
  throw base::UsageError("'" + std::string(text) + "' is no " + std::string(what) + "; choose one of " + known);
}

bool is_positive(double value) { return std::isfinite(value) && value > 0.0; }

std::string number_refusal(const MemoryRules& rules) {
  if (!std::isfinite(rules.ridge) || rules.ridge < 0.0)
    return "the ridge is " + std::to_string(rules.ridge) +
           " but must be a finite number >= 0; 0 means plain least squares";
  if (!is_positive(rules.alpha))
    return "alpha, the variance of Gaussian addressing, is " + std::to_string(rules.alpha) +
           " but must be a finite number > 0; 1e-3 is usual";
  if (!is_positive(rules.temperature))
    return "the temperature of the softmax is " + std::to_string(rules.temperature) +
           " but must be a finite number > 0; 0.05 is usual";
  if (rules.top < 1) return "topk over 0 rows reads nothing; choose top >= 1";
  if (rules.steps < 1)
    return "ben-cohen with " + std::to_string(rules.steps) + " steps inverts nothing; choose 15, 7 or 3";
  return {};
}

std::string stored_refusal(const MemoryRules& rules) {
  if (rules.addressing == Addressing::kDense || rules.addressing == Addressing::kGaussian)
    return std::string(name_of(rules.addressing)) +
           " addressing spreads a key over fixed rows, and stored keys grow with the text; use a codebook";
  if (rules.slots > 0)
    return "stored keys make one slot for each segment, so a number of slots has no meaning; leave it out or use a "
           "codebook";
  if (rules.solve == Solve::kBenCohen)
    return "ben-cohen solves dense addressing only, and stored keys leave nothing to solve; use solve global";
  if (rules.addressing == Addressing::kTopK) {
    if (rules.aggregation == Aggregation::kTopK) return {};
    return "topk addressing reads a softmax over the best rows of all shards; use aggregation topk";
  }
  switch (rules.aggregation) {
    case Aggregation::kBest:
      return {};
    case Aggregation::kSum:
      return "a sum over stored keys would add the nearest wrong segments of the other shards; use aggregation best";
    case Aggregation::kTopK:
      return "a softmax over the best rows needs topk addressing; use addressing topk";
    case Aggregation::kHierarchical:
      return "with stored keys a hierarchical read finds the same segment as best; use aggregation best";
  }
  return {};
}

std::string one_hot_refusal(const MemoryRules& rules) {
  if (rules.solve == Solve::kBenCohen)
    return "ben-cohen is the inverse of dense addressing, and " + std::string(name_of(rules.addressing)) +
           " has a closed form; use solve global or addressing dense";
  if (rules.addressing == Addressing::kTopK) {
    if (rules.solve == Solve::kLocal)
      return "a topk read weighs rows by the segments of all shards, so local rows have no meaning; use solve global";
    if (rules.aggregation == Aggregation::kTopK) return {};
    return "topk addressing reads a softmax over the best rows of all shards; use aggregation topk";
  }
  switch (rules.aggregation) {
    case Aggregation::kSum:
      if (rules.solve == Solve::kGlobal) return {};
      return "the count-weighted sum of the shards' means is the global solution; use solve global, or aggregation "
             "best for local";
    case Aggregation::kBest:
      if (rules.solve == Solve::kLocal) return {};
      return "a row's global mean is spread over the shards, so no shard holds the best one; use aggregation sum, or "
             "solve local";
    case Aggregation::kTopK:
      return "a softmax over the best rows needs topk addressing; use addressing topk";
    case Aggregation::kHierarchical:
      return "a row's mean is no key, so it cannot be read again; use aggregation sum, or dense addressing";
  }
  return {};
}

std::string spread_refusal(const MemoryRules& rules, std::size_t key_size, std::size_t code_size) {
  if (rules.solve == Solve::kBenCohen && rules.addressing != Addressing::kDense)
    return "ben-cohen inverts the key memory of dense addressing and Gaussian addressing has none to invert; use solve "
           "local or addressing dense";
  if (rules.aggregation == Aggregation::kTopK)
    return "a softmax over the best rows needs topk addressing; use addressing topk, or aggregation sum";
  if (rules.solve == Solve::kGlobal && rules.aggregation != Aggregation::kSum)
    return "solve global makes one memory of all shards, so there are no answers of shards to choose from; use "
           "aggregation sum, or solve local";
  if (rules.aggregation == Aggregation::kHierarchical && key_size > 0 && code_size > 0 && key_size != code_size)
    return "a hierarchical read uses what was read as the next key, but codes have " + std::to_string(code_size) +
           " components and keys " + std::to_string(key_size) + "; use the codes as keys, or aggregation sum or best";
  return {};
}

std::string codebook_refusal(const MemoryRules& rules, std::size_t key_size, std::size_t code_size) {
  if (rules.slots < 1) return "a codebook of 0 rows holds nothing; give the number of slots (K >= 1)";
  if (rules.addressing == Addressing::kTopK && rules.top > rules.slots)
    return "topk over " + std::to_string(rules.top) + " rows asks for more than the " + std::to_string(rules.slots) +
           " rows of the codebook; lower top or give more slots";
  if (rules.addressing == Addressing::kNearest || rules.addressing == Addressing::kTopK) return one_hot_refusal(rules);
  return spread_refusal(rules, key_size, code_size);
}

}  // namespace

std::string_view name_of(Addressing value) { return find_name(kAddressings, value); }
std::string_view name_of(KeyMemory value) { return find_name(kKeyMemories, value); }
std::string_view name_of(Aggregation value) { return find_name(kAggregations, value); }
std::string_view name_of(Solve value) { return find_name(kSolves, value); }
std::string_view name_of(ReadWeights value) { return find_name(kReadWeights, value); }

Addressing parse_addressing(std::string_view name) { return parse(kAddressings, name, "addressing"); }
KeyMemory parse_key_memory(std::string_view name) { return parse(kKeyMemories, name, "key memory"); }
Aggregation parse_aggregation(std::string_view name) { return parse(kAggregations, name, "aggregation"); }
Solve parse_solve(std::string_view name) { return parse(kSolves, name, "solve"); }
ReadWeights parse_read_weights(std::string_view name) { return parse(kReadWeights, name, "kind of read weights"); }

bool is_solved_globally(const MemoryRules& rules) {
  const bool weighted = rules.addressing == Addressing::kDense || rules.addressing == Addressing::kGaussian;
  return weighted && rules.solve == Solve::kGlobal;
}

Aggregation usual_aggregation(Addressing addressing, KeyMemory key_memory, Solve solve) {
  if (addressing == Addressing::kTopK) return Aggregation::kTopK;
  if (key_memory == KeyMemory::kStored) return Aggregation::kBest;
  if (addressing == Addressing::kNearest && solve == Solve::kLocal) return Aggregation::kBest;
  return Aggregation::kSum;
}

std::string refusal(const MemoryRules& rules, std::size_t key_size, std::size_t code_size) {
  std::string reason = number_refusal(rules);
  if (reason.empty() && rules.read_weights == ReadWeights::kMemory) {
    if (rules.addressing != Addressing::kDense)
      return "only dense addressing can read with the memory's own pseudo-inverse; use read weights key-memory";
    if (key_size > 0 && code_size > 0 && key_size != code_size)
      return "to read with the memory's own pseudo-inverse, keys (" + std::to_string(key_size) +
             " components) must be codes (" + std::to_string(code_size) + "); use read weights key-memory";
  }
  if (!reason.empty()) return reason;
  return rules.key_memory == KeyMemory::kStored ? stored_refusal(rules) : codebook_refusal(rules, key_size, code_size);
}

void check(const MemoryRules& rules, std::size_t key_size, std::size_t code_size) {
  const std::string reason = refusal(rules, key_size, code_size);
  if (!reason.empty()) throw base::ConfigError(reason);
}

}  // namespace larimar::memory

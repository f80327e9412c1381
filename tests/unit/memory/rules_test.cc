#include "common/memory/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "common/base/error.h"

namespace larimar::memory {
namespace {

constexpr Addressing kAddressings[] = {Addressing::kDense, Addressing::kGaussian, Addressing::kNearest,
                                       Addressing::kTopK};
constexpr KeyMemory kKeyMemories[] = {KeyMemory::kStored, KeyMemory::kCodebook};
constexpr Aggregation kAggregations[] = {Aggregation::kBest, Aggregation::kSum, Aggregation::kTopK,
                                         Aggregation::kHierarchical};
constexpr Solve kSolves[] = {Solve::kGlobal, Solve::kLocal, Solve::kBenCohen};
constexpr ReadWeights kReadWeights[] = {ReadWeights::kKeyMemory, ReadWeights::kMemory};

/// Everything that is allowed, written down as words; what is not here is refused.
const std::set<std::string> kAllowed = {
    "nearest stored best global",        "nearest stored best local",
    "topk stored topk global",           "topk stored topk local",
    "nearest codebook sum global",       "nearest codebook best local",
    "topk codebook topk global",         "dense codebook sum global",
    "dense codebook sum local",          "dense codebook best local",
    "dense codebook hierarchical local", "dense codebook sum ben-cohen",
    "dense codebook best ben-cohen",     "dense codebook hierarchical ben-cohen",
    "gaussian codebook sum global",      "gaussian codebook sum local",
    "gaussian codebook best local",      "gaussian codebook hierarchical local",
};

std::string words_of(const MemoryRules& rules) {
  return std::string(name_of(rules.addressing)) + " " + std::string(name_of(rules.key_memory)) + " " +
         std::string(name_of(rules.aggregation)) + " " + std::string(name_of(rules.solve));
}

template <typename Visit>
void for_all_rules(Visit visit) {
  for (const Addressing addressing : kAddressings) {
    for (const KeyMemory key_memory : kKeyMemories) {
      for (const Aggregation aggregation : kAggregations) {
        for (const Solve solve : kSolves) {
          for (const ReadWeights weights : kReadWeights) {
            MemoryRules rules{addressing, key_memory, aggregation, solve, weights};
            rules.slots = key_memory == KeyMemory::kCodebook ? 8 : 0;
            visit(rules);
          }
        }
      }
    }
  }
}

TEST(MemoryRules, EveryCombinationIsAllowedOrRefusedAsTheTableSays) {
  int seen = 0, allowed = 0;
  for_all_rules([&](const MemoryRules& rules) {
    for (const auto& [key_size, code_size] : {std::pair<std::size_t, std::size_t>{0, 0}, {6, 0}, {6, 6}, {6, 9}}) {
      const bool same = key_size == 0 || code_size == 0 || key_size == code_size;
      bool expected = kAllowed.contains(words_of(rules));
      if (rules.aggregation == Aggregation::kHierarchical && !same) expected = false;
      if (rules.read_weights == ReadWeights::kMemory && (rules.addressing != Addressing::kDense || !same))
        expected = false;
      const std::string reason = refusal(rules, key_size, code_size);
      EXPECT_EQ(reason.empty(), expected) << words_of(rules) << ", " << name_of(rules.read_weights) << ", keys "
                                          << key_size << ", codes " << code_size << ": " << reason;
      if (!reason.empty()) {
        EXPECT_THAT(reason, testing::HasSubstr("; ")) << "a reason and a way out";
        EXPECT_THAT(reason, testing::HasSubstr("use ")) << "the way out";
        EXPECT_THROW(check(rules, key_size, code_size), base::ConfigError);
      } else {
        EXPECT_NO_THROW(check(rules, key_size, code_size));
      }
      ++seen;
      allowed += expected ? 1 : 0;
    }
  });
  EXPECT_EQ(seen, 4 * 2 * 4 * 3 * 2 * 4);
  EXPECT_GT(allowed, 0);
}

TEST(MemoryRules, TheUsualAggregationFitsWhereAnyDoes) {
  for_all_rules([&](MemoryRules rules) {
    bool any = false;
    for (const Aggregation aggregation : kAggregations) {
      rules.aggregation = aggregation;
      any = any || refusal(rules, 6, 6).empty();
    }
    rules.aggregation = usual_aggregation(rules.addressing, rules.key_memory, rules.solve);
    EXPECT_EQ(refusal(rules, 6, 6).empty(), any) << words_of(rules);
  });
}

TEST(MemoryRules, TheDefaultsMakeAMemory) { EXPECT_EQ(refusal(MemoryRules{}, 384, 768), ""); }

TEST(MemoryRules, NumbersOutOfRangeAreRefused) {
  MemoryRules good{.addressing = Addressing::kTopK, .key_memory = KeyMemory::kCodebook};
  good.aggregation = Aggregation::kTopK;
  good.slots = 4;
  ASSERT_EQ(refusal(good, 0, 0), "");
  const auto refused = [&](auto change, const char* word) {
    MemoryRules rules = good;
    change(rules);
    EXPECT_THAT(refusal(rules, 0, 0), testing::HasSubstr(word));
  };
  for (const double bad : {-1e-9, std::nan(""), std::numeric_limits<double>::infinity()})
    refused([&](MemoryRules& rules) { rules.ridge = bad; }, "ridge");
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    refused([&](MemoryRules& rules) { rules.alpha = bad; }, "alpha");
    refused([&](MemoryRules& rules) { rules.temperature = bad; }, "temperature");
  }
  refused([](MemoryRules& rules) { rules.top = 0; }, "top");
  refused([](MemoryRules& rules) { rules.top = 5; }, "4 rows of the codebook");
  refused([](MemoryRules& rules) { rules.steps = 0; }, "ben-cohen");
  refused([](MemoryRules& rules) { rules.slots = 0; }, "number of slots");
  refused([](MemoryRules& rules) { rules.key_memory = KeyMemory::kStored; }, "one slot for each segment");
}

template <typename Enum, typename Parse>
void expect_round_trip(std::span<const Enum> values, Parse parse) {
  for (const Enum value : values) EXPECT_EQ(parse(name_of(value)), value) << name_of(value);
  try {
    (void)parse("nonsense");
    FAIL() << "nonsense was understood";
  } catch (const base::UsageError& error) {
    for (const Enum value : values) EXPECT_THAT(error.what(), testing::HasSubstr(std::string(name_of(value))));
  }
}

TEST(MemoryRules, NamesComeBackAndOthersAreRefusedWithTheList) {
  expect_round_trip<Addressing>(kAddressings, parse_addressing);
  expect_round_trip<KeyMemory>(kKeyMemories, parse_key_memory);
  expect_round_trip<Aggregation>(kAggregations, parse_aggregation);
  expect_round_trip<Solve>(kSolves, parse_solve);
  expect_round_trip<ReadWeights>(kReadWeights, parse_read_weights);
  EXPECT_EQ(name_of(Solve::kBenCohen), "ben-cohen");
}

}  // namespace
}  // namespace larimar::memory

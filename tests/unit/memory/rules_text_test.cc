#include "common/memory/rules_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"

namespace larimar::memory {
namespace {

TEST(RulesText, EveryCombinationOfNamesComesBack) {
  for (const Addressing addressing :
       {Addressing::kDense, Addressing::kGaussian, Addressing::kNearest, Addressing::kTopK}) {
    for (const KeyMemory key_memory : {KeyMemory::kStored, KeyMemory::kCodebook}) {
      for (const Aggregation aggregation :
           {Aggregation::kBest, Aggregation::kSum, Aggregation::kTopK, Aggregation::kHierarchical}) {
        for (const Solve solve : {Solve::kGlobal, Solve::kLocal, Solve::kBenCohen}) {
          for (const ReadWeights weights : {ReadWeights::kKeyMemory, ReadWeights::kMemory}) {
            MemoryRules rules;
            rules.addressing = addressing;
            rules.key_memory = key_memory;
            rules.aggregation = aggregation;
            rules.solve = solve;
            rules.read_weights = weights;
            EXPECT_EQ(rules_from_text(to_text(rules)), rules);
          }
        }
      }
    }
  }
}

TEST(RulesText, NumbersComeBackExactly) {
  MemoryRules rules;
  rules.slots = 123'456'789'012;
  rules.ridge = 0.1 + 0.2;
  rules.alpha = 1e-300;
  rules.temperature = 1.0 / 3.0;
  rules.top = 63;
  rules.steps = 7;
  EXPECT_EQ(rules_from_text(to_text(rules)), rules);
}

TEST(RulesText, NamesThatAreNoRulesAreLeftAlone) {
  std::map<std::string, std::string> text = to_text({});
  text["segment"] = "window";
  EXPECT_EQ(rules_from_text(text), MemoryRules{});
}

TEST(RulesText, ARuleThatIsMissingOrHasNoSuchValueIsNamed) {
  for (const auto& [name, value] : to_text({})) {
    std::map<std::string, std::string> text = to_text({});
    text.erase(name);
    try {
      static_cast<void>(rules_from_text(text));
      ADD_FAILURE() << "no error without " << name;
    } catch (const base::FormatError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("\"" + name + "\""));
    }
    for (const std::string& wrong : {std::string(), std::string("seven"), value + " "}) {
      text[name] = wrong;
      EXPECT_THROW(static_cast<void>(rules_from_text(text)), base::FormatError) << name << " = \"" << wrong << "\"";
    }
  }
}

}  // namespace
}  // namespace larimar::memory

#include "common/model/bert_network.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "common/model/bert_config.h"
#include "tests/unit/model/causal_golden.h"

namespace larimar::model {
namespace {

BertNetwork load() {
  const auto folder = model_folder("bert");
  return {std::make_shared<const Checkpoint>(folder), read_bert_config(JsonFields(folder / "config.json")), "", true};
}

TEST(BertNetwork, HiddenStatesAndPoolerAreThoseOfTheReferenceInOneBatch) {
  const Golden golden("bert");
  const auto sequences = golden.rows("tokens", "lengths");
  const BertNetwork network = load();
  const float hidden = largest_difference(network.hidden_states(sequences), golden.matrix("hidden"));
  const float pooled = largest_difference(network.pooled(sequences), golden.matrix("pooled"));
  std::printf("largest difference: hidden states %.2g, pooler %.2g\n", static_cast<double>(hidden),
              static_cast<double>(pooled));
  EXPECT_LE(hidden, 1e-4F);
  EXPECT_LE(pooled, 1e-4F);
}

TEST(BertNetwork, ASequenceAloneIsTheSame) {
  const Golden golden("bert");
  const auto sequences = golden.rows("tokens", "lengths");
  const linalg::Matrix expected = golden.matrix("pooled");
  const BertNetwork network = load();
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto row = static_cast<linalg::Index>(i);
    EXPECT_LE(largest_difference(network.pooled({&sequences[i], 1}), expected.middleRows(row, 1)), 1e-4F) << i;
  }
}

}  // namespace
}  // namespace larimar::model

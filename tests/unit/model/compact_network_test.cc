#include "common/model/compact_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/model/torch_bridge.h"
#include "tests/unit/model/compact_folder.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using torch::Tensor;

/// Random pieces, no specials; row i has lengths[i] of them, then end-of-text, then padding.
Tensor batch_of(const std::vector<std::int64_t>& lengths, std::int64_t padded) {
  torch::manual_seed(99);
  Tensor tokens = torch::randint(3, 40, {static_cast<std::int64_t>(lengths.size()), padded}, torch::kInt64);
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    tokens[row].slice(0, lengths[i], padded).fill_(0);
    tokens[row][lengths[i]] = 2;
  }
  return tokens;
}

double largest(const Tensor& tensor) { return tensor.abs().max().item<double>(); }

class CompactNetworkTest : public ::testing::Test {
 protected:
  Tensor logits(const Tensor& inputs, const Tensor& codes) {
    return network_->decoder->logits(network_->decoder->hidden(inputs, codes, network_->decoder->inject(codes)));
  }
  torch::NoGradGuard guard_;
  CompactNetwork network_ = tiny_network(4);
};

TEST_F(CompactNetworkTest, CodesHaveUnitLatentsAndZerosWhereThereIsNoToken) {
  const Tensor codes = network_->encoder->forward(batch_of({3, 4, 7, 15}, 16)).view({4, 4, 8});
  const std::vector<std::int64_t> used{1, 2, 2, 4};  // end-of-text takes a position
  for (std::int64_t i = 0; i < 4; ++i) {
    const Tensor rms = codes[i].pow(2).mean(-1).sqrt();
    const std::int64_t groups = used[static_cast<std::size_t>(i)];
    EXPECT_LT(largest(rms.slice(0, 0, groups) - 1.0), 1e-3) << i;
    EXPECT_EQ(codes[i].slice(0, groups, 4).abs().sum().item<double>(), 0.0) << i;
  }
}

TEST_F(CompactNetworkTest, PaddingAndNeighboursDoNotChangeACode) {
  const Tensor tokens = batch_of({5, 2, 7}, 8);
  const Tensor codes = network_->encoder->forward(tokens);
  EXPECT_LT(largest(network_->encoder->forward(torch::constant_pad_nd(tokens, {0, 8}, 0)) - codes), 1e-5);
  EXPECT_LT(largest(network_->encoder->forward(tokens.slice(0, 1, 2).slice(1, 0, 4)) - codes.slice(0, 1, 2)), 1e-5);
}

TEST_F(CompactNetworkTest, EveryTokenIsInTheCode) {
  const Tensor tokens = batch_of({15}, 16);
  const Tensor codes = network_->encoder->forward(tokens);
  for (std::int64_t i = 0; i < 15; ++i) {
    Tensor other = tokens.clone();
    other[0][i] = 3 + (other[0][i] - 3 + 1).remainder(37);
    EXPECT_GT(largest(network_->encoder->forward(other) - codes), 1e-3) << i;
  }
}

TEST_F(CompactNetworkTest, LaterTokensDoNotChangeEarlierScores) {
  const Tensor tokens = batch_of({15, 11}, 16), codes = network_->encoder->forward(tokens),
               before = logits(tokens, codes);
  for (std::int64_t at = 1; at < 16; ++at) {
    Tensor changed = tokens.clone();
    changed.slice(1, at, 16).fill_(7);
    const Tensor after = logits(changed, codes);
    EXPECT_LT(largest((after - before).slice(1, 0, at)), 1e-5) << at;
    EXPECT_GT(largest((after - before).slice(1, at, 16)), 1e-3) << at;
  }
}

TEST_F(CompactNetworkTest, TheCodeEntersThroughEveryLatent) {
  const Tensor tokens = batch_of({15}, 16), codes = network_->encoder->forward(tokens), before = logits(tokens, codes);
  for (std::int64_t latent = 0; latent < 4; ++latent) {
    Tensor other = codes.clone();
    other.view({1, 4, 8}).select(1, latent).neg_();
    EXPECT_GT(largest(logits(tokens, other) - before), 1e-2) << latent;
  }
}

TEST_F(CompactNetworkTest, ScoresAmongSomePiecesAreThoseOfAll) {
  const Tensor states = torch::randn({2, 3, 16}), candidates = torch::tensor({5, 0, 39}, torch::kInt64);
  const Tensor all = network_->decoder->logits(states);
  EXPECT_LT(largest(network_->decoder->logits_among(states, candidates) - all.index_select(-1, candidates)), 1e-5);
}

class CompactWeightsTest : public CompactNetworkTest {
 protected:
  /// Stores the parameters after `change` has worked on them.
  void store(const std::function<void(std::map<std::string, Tensor>&)>& change) {
    std::map<std::string, Tensor> tensors;
    for (const auto& item : network_->named_parameters()) tensors[item.key()] = item.value().clone();
    change(tensors);
    std::map<std::string, TensorView> views;
    for (const auto& [name, tensor] : tensors) views[name] = to_view(tensor);
    write_safetensors(folder_.weights(), views, {});
  }
  std::string fault() {
    return fault_of<base::FormatError>([&] { load_weights(*tiny_network(1), SafetensorsFile(folder_.weights())); });
  }
  CompactFolder folder_;
};

TEST_F(CompactWeightsTest, ComeBackInBothPrecisions) {
  for (const auto& [precision, tolerance] :
       {std::pair{StoredPrecision::kFloat32, 0.0}, std::pair{StoredPrecision::kFloat16, 2e-3}}) {
    save_weights(*network_, folder_.weights(), precision, {{"step", "5"}});
    const CompactNetwork other = load_network(folder_.path(), tiny_config());
    for (const auto& item : network_->named_parameters()) {
      EXPECT_LE(largest(other->named_parameters()[item.key()] - item.value()), tolerance) << item.key();
    }
    EXPECT_FALSE(other->is_training());
    EXPECT_EQ(SafetensorsFile(folder_.weights()).metadata().at("step"), "5");
  }
}

TEST_F(CompactWeightsTest, AllThatIsWrongIsListedAtOnce) {
  store([](auto& tensors) {
    tensors.erase("encoder.pieces.weight");
    tensors.erase("decoder.layers.1.mlp_in.bias");
    tensors["decoder.positions.weight"] = torch::zeros({16, 15});
    tensors["encoder.final_norm.bias"] = torch::zeros({16}, torch::kInt64);
    tensors["encoder.layers.2.qkv.bias"] = torch::zeros({48});
  });
  EXPECT_THAT(fault(), AllOf(HasSubstr("model.safetensors does not fit its config.json"),
                             HasSubstr("encoder.pieces.weight is missing (expected [40, 16])"),
                             HasSubstr("decoder.layers.1.mlp_in.bias is missing (expected [64])"),
                             HasSubstr("decoder.positions.weight: expected [16, 16], found [16, 15]"),
                             HasSubstr("encoder.final_norm.bias: dtype I64"),
                             HasSubstr("encoder.layers.2.qkv.bias [48] is unknown")));
}

TEST_F(CompactWeightsTest, NothingIsLoadedFromAFileThatDoesNotFit) {
  store([](auto& tensors) {
    tensors.erase("decoder.pieces.weight");
    for (auto& [name, tensor] : tensors) tensor.fill_(1.0);
  });
  CompactNetwork target = tiny_network(1);
  const Tensor before = target->encoder->pieces->weight.clone();
  EXPECT_THROW(load_weights(*target, SafetensorsFile(folder_.weights())), base::FormatError);
  EXPECT_TRUE(torch::equal(target->encoder->pieces->weight, before));
}

}  // namespace
}  // namespace larimar::model

#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/bert_config.h"
#include "common/model/checkpoint.h"
#include "common/model/encoders.h"
#include "common/text/tokenizer.h"

namespace larimar::model {

/// BERT's layers and the ways to make one vector of a text. Owns its weights; shares the mapped files. Not thread-safe.
/// Sequences are token ids with specials, sorted by length, none empty and none above `positions`, ids below the
/// vocabulary's size. All calls are local; results come back to the CPU.
class BertNetwork {
 public:
  /// Tensor names begin with `prefix`. `arithmetic` of the linear layers. Throws FormatError if tensors are missing or of another
  /// shape; ConfigError as encoder_device().
  BertNetwork(std::shared_ptr<const Checkpoint> weights, const BertConfig& config, const std::string& prefix,
              bool pooler, Arithmetic arithmetic = Arithmetic::kFloat, const std::string& device = "cpu");
  BertNetwork(const BertNetwork&) = delete;
  BertNetwork& operator=(const BertNetwork&) = delete;
  ~BertNetwork();

  /// Mean over the tokens, scaled to length 1: [sequences, hidden]. Throws NumericalError if one is not finite.
  [[nodiscard]] linalg::Matrix mean_keys(std::span<const std::vector<text::TokenId>> sequences) const;
  /// tanh(W h_[CLS] + b): [sequences, hidden]. Needs the pooler. Throws NumericalError if one is not finite.
  [[nodiscard]] linalg::Matrix pooled(std::span<const std::vector<text::TokenId>> sequences) const;
  /// Last hidden states of all sequences one after another: [tokens, hidden].
  [[nodiscard]] linalg::Matrix hidden_states(std::span<const std::vector<text::TokenId>> sequences) const;

 private:
  struct Weights;
  std::shared_ptr<const Checkpoint> checkpoint_;
  BertConfig config_;
  std::unique_ptr<const Weights> weights_;
};

}  // namespace larimar::model

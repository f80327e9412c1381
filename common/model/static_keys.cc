#include "common/model/static_keys.h"

#include <string>
#include <utility>

#include "common/base/error.h"

namespace larimar::model {
namespace {

class StaticKeys final : public KeyEncoder {
 public:
  StaticKeys(linalg::Matrix vectors, std::unique_ptr<const text::Tokenizer> tokenizer)
      : vectors_(std::move(vectors)), tokenizer_(std::move(tokenizer)) {}

  linalg::Index key_size() const override { return vectors_.cols(); }
  std::string name() const override { return "static"; }

  linalg::Matrix encode(std::span<const std::string> texts) override {
    linalg::Matrix keys = linalg::Matrix::Zero(static_cast<linalg::Index>(texts.size()), key_size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      auto key = keys.row(static_cast<linalg::Index>(i));
      for (const text::TokenId piece : tokenizer_->encode(texts[i])) key += vectors_.row(piece);
      if (const float length = key.norm(); length > 0.0F) key /= length;
    }
    return keys;
  }

 private:
  linalg::Matrix vectors_;  // [pieces, D]
  std::unique_ptr<const text::Tokenizer> tokenizer_;
};

}  // namespace

std::unique_ptr<KeyEncoder> make_static_keys(const StaticTable& table,
                                             std::unique_ptr<const text::Tokenizer> tokenizer) {
  if (table.pieces() != tokenizer->size())
    throw base::ConfigError(table.path().string() + " has vectors of " + std::to_string(table.pieces()) +
                            " pieces, but the key network's tokenizer has " + std::to_string(tokenizer->size()));
  linalg::Matrix vectors = table.vectors();
  if (!vectors.allFinite())
    throw base::NumericalError(table.path().string() +
                               " has numbers that are not finite; larimar static-keys makes it anew");
  return std::make_unique<StaticKeys>(std::move(vectors), std::move(tokenizer));
}

}  // namespace larimar::model

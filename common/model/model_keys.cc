#include "common/model/model_keys.h"

#include <algorithm>
#include <numeric>

namespace larimar::model {
namespace {

constexpr std::size_t kBatch = 64;

class ModelKeys final : public KeyEncoder {
 public:
  ModelKeys(CodeEncoder& encoder, const text::Tokenizer& tokenizer, KeyLength length)
      : encoder_(encoder), tokenizer_(tokenizer), length_(length) {}

  linalg::Index key_size() const override { return encoder_.code_size(); }
  std::string name() const override { return length_ == KeyLength::kUnit ? "model" : "code"; }

  linalg::Matrix encode(std::span<const std::string> texts) override {
    std::vector<std::vector<text::TokenId>> tokens;
    for (const std::string& text : texts) tokens.push_back(tokens_of(text));
    std::vector<std::size_t> order(texts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return tokens[i].size(); });
    linalg::Matrix keys(static_cast<linalg::Index>(texts.size()), key_size());
    for (std::size_t at = 0; at < order.size(); at += kBatch) {
      const std::size_t count = std::min(kBatch, order.size() - at);
      std::vector<std::vector<text::TokenId>> batch(count);
      for (std::size_t i = 0; i < count; ++i) batch[i] = tokens[order[at + i]];
      linalg::Matrix codes = encoder_.encode(batch);
      if (length_ == KeyLength::kUnit) codes.rowwise().normalize();
      for (std::size_t i = 0; i < count; ++i) {
        keys.row(static_cast<linalg::Index>(order[at + i])) = codes.row(static_cast<linalg::Index>(i));
      }
    }
    return keys;
  }

 private:
  std::vector<text::TokenId> tokens_of(const std::string& text) const {
    std::vector<text::TokenId> ids = tokenizer_.encode(text.empty() ? " " : text);
    ids.resize(std::min(ids.size(), encoder_.max_tokens()));
    return ids;
  }

  CodeEncoder& encoder_;
  const text::Tokenizer& tokenizer_;
  KeyLength length_;
};

}  // namespace

std::unique_ptr<KeyEncoder> make_model_keys(CodeEncoder& encoder, const text::Tokenizer& tokenizer, KeyLength length) {
  return std::make_unique<ModelKeys>(encoder, tokenizer, length);
}

}  // namespace larimar::model

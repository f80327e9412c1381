#include "common/text/stream_decoder.h"

#include <utility>

#include "common/text/unicode_forms.h"

namespace larimar::text {
namespace {

class SingleState final : public DecodeState {
 public:
  SingleState(const Tokenizer& tokenizer, SpecialTokens specials) : tokenizer_(tokenizer), specials_(specials) {}
  [[nodiscard]] std::string push(TokenId id) override {
    const std::span<const TokenId> one(&id, 1);
    return specials_ == SpecialTokens::kSkip ? tokenizer_.decode(one) : tokenizer_.decode_marked(one);
  }
  [[nodiscard]] std::string finish() override { return {}; }

 private:
  const Tokenizer& tokenizer_;
  SpecialTokens specials_;
};

}  // namespace

std::unique_ptr<DecodeState> Tokenizer::start_decode(SpecialTokens specials) const {
  return std::make_unique<SingleState>(*this, specials);
}

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, SpecialTokens specials)
    : state_(tokenizer.start_decode(specials)) {}

std::string StreamDecoder::push(TokenId id) {
  std::string text = std::exchange(held_, {}) + state_->push(id);
  const std::size_t complete = text.size() - incomplete_tail(text);
  held_ = text.substr(complete);
  text.resize(complete);
  return text;
}

std::string StreamDecoder::finish() { return std::exchange(held_, {}) + state_->finish(); }

}  // namespace larimar::text

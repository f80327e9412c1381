#pragma once
// Networks without weights for tests of everything around them: what they give follows from the text alone.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/model/encoders.h"

namespace larimar::support {

/// Every byte is a token.
class ByteTokenizer final : public text::Tokenizer {
 public:
  [[nodiscard]] std::vector<text::TokenId> encode(std::string_view text) const override {
    std::vector<text::TokenId> ids;
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
    return ids;
  }
  [[nodiscard]] std::string decode(std::span<const text::TokenId> ids) const override {
    std::string text;
    for (const text::TokenId id : ids) text.push_back(static_cast<char>(id));
    return text;
  }
  [[nodiscard]] text::TokenId size() const override { return 256; }
  [[nodiscard]] text::TokenId id_of(std::string_view) const override { return 0; }
};

inline std::uint64_t mix(std::uint64_t state, std::uint64_t value) {
  return base::Random(state ^ (value * 0x9E3779B97F4A7C15U)).next();
}

inline void fill_random(std::uint64_t seed, std::span<float> values) {
  base::Random random(seed);
  for (float& value : values) value = static_cast<float>(2.0 * random.uniform() - 1.0);
}

/// A code is random numbers seeded by the tokens. Counts its calls and notes the batch sizes.
class FakeCodes final : public model::CodeEncoder {
 public:
  explicit FakeCodes(linalg::Index size, std::size_t max_tokens = 100) : size_(size), max_tokens_(max_tokens) {}
  [[nodiscard]] linalg::Index code_size() const override { return size_; }
  [[nodiscard]] std::size_t max_tokens() const override { return max_tokens_; }
  [[nodiscard]] linalg::Matrix encode(std::span<const std::vector<text::TokenId>> segments) override {
    batches.push_back(segments.size());
    linalg::Matrix codes(static_cast<linalg::Index>(segments.size()), size_);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if (segments[i].empty() || segments[i].size() > max_tokens_)
        throw base::ShapeError("a segment that is empty or too long");
      std::uint64_t seed = 1;
      for (const text::TokenId token : segments[i]) seed = mix(seed, static_cast<std::uint64_t>(token));
      fill_random(seed, std::span(codes.row(static_cast<linalg::Index>(i)).data(), static_cast<std::size_t>(size_)));
    }
    return codes;
  }
  std::vector<std::size_t> batches;

 private:
  linalg::Index size_;
  std::size_t max_tokens_;
};

/// A key is the sum of random vectors of its words, scaled to length 1: texts that share words are near. Keeps the texts.
class FakeKeys final : public model::KeyEncoder {
 public:
  explicit FakeKeys(linalg::Index size) : size_(size) {}
  [[nodiscard]] linalg::Index key_size() const override { return size_; }
  [[nodiscard]] std::string name() const override { return "fake"; }
  [[nodiscard]] linalg::Matrix encode(std::span<const std::string> texts) override {
    linalg::Matrix keys(static_cast<linalg::Index>(texts.size()), size_);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      seen.push_back(texts[i]);
      keys.row(static_cast<linalg::Index>(i)) = key_of(texts[i]);
    }
    return keys;
  }
  std::vector<std::string> seen;

 private:
  [[nodiscard]] linalg::RowVector key_of(std::string_view text) const {
    linalg::RowVector sum = linalg::RowVector::Constant(size_, 1e-3F);
    linalg::RowVector word_vector(size_);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      fill_random(std::hash<std::string_view>{}(text.substr(at, end - at)),
                  std::span(word_vector.data(), static_cast<std::size_t>(size_)));
      sum += word_vector;
      at = end + 1;
    }
    return sum.normalized();
  }
  linalg::Index size_;
};

/// The "text" of a code is a number made from its bits, in letters.
class FakeDecoder final : public model::CodeDecoder {
 public:
  explicit FakeDecoder(linalg::Index size) : size_(size) {}
  [[nodiscard]] linalg::Index code_size() const override { return size_; }
  [[nodiscard]] std::vector<std::vector<text::TokenId>> decode(linalg::ConstMatrixRef codes) override {
    if (codes.cols() != size_) throw base::ShapeError("codes of another width");
    std::vector<std::vector<text::TokenId>> texts;
    for (linalg::Index row = 0; row < codes.rows(); ++row) {
      std::uint64_t state = 7;
      for (linalg::Index column = 0; column < codes.cols(); ++column) {
        state = mix(state, std::bit_cast<std::uint32_t>(codes(row, column)));
      }
      // Of different lengths, now and then none: sizes travel too.
      texts.emplace_back();
      for (std::uint64_t i = 0; i < state % 9; ++i)
        texts.back().push_back(static_cast<text::TokenId>('a' + (state >> (5 * i + 4)) % 26));
    }
    return texts;
  }

 private:
  linalg::Index size_;
};

}  // namespace larimar::support

// Ids of 10,000 random strings.
#include "tests/unit/text/tokenizer_hashes.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/text/unicode.h"

namespace larimar::text {
namespace {

using Json = nlohmann::json;
using test::Hash;
using test::TokenizerHashes;

/// The generator of the script: the same numbers for the same seed.
class Counted {
 public:
  Counted(std::uint64_t seed, std::vector<std::array<std::uint64_t, 2>> ranges)
      : state_(seed), ranges_(std::move(ranges)) {}
  std::string text() {
    std::string text;
    for (std::uint64_t left = 1 + below(24); left > 0; --left) {
      const auto& [first, last] = ranges_[below(ranges_.size())];
      append_utf8(static_cast<std::int32_t>(first + below(last - first + 1)), text);
    }
    return text;
  }

 private:
  std::uint64_t below(std::uint64_t end) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % end;
  }
  std::uint64_t state_;
  std::vector<std::array<std::uint64_t, 2>> ranges_;
};

TEST_F(TokenizerHashes, OfRandomStrings) {
  for_each_tokenizer([&](const std::string& name, const Tokenizer& tokenizer, const Json& hashes) {
    Counted texts(golden_["seed"].get<std::uint64_t>(),
                  golden_["ranges"].get<std::vector<std::array<std::uint64_t, 2>>>());
    Hash hash(tokenizer);
    for (int left = golden_["strings"].get<int>(); left > 0; --left) hash.add(texts.text());
    EXPECT_EQ(hash.text(), hashes["random"].get<std::string>()) << name;
  });
}

}  // namespace
}  // namespace larimar::text

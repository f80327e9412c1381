// Ids over whole files. These are not part of the repository: LARIMAR_SHARED_DATA names the folder that holds valid/.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/text/text_stream.h"
#include "tests/unit/text/tokenizer_hashes.h"

namespace larimar::text {
namespace {

using Json = nlohmann::json;
using test::Hash;
using test::TokenizerHashes;

TEST_F(TokenizerHashes, OfWholeFilesByParagraphs) {
  const auto folder = test::environment("LARIMAR_SHARED_DATA") / "valid";
  if (!std::filesystem::exists(folder)) {
    std::puts("LARIMAR SKIPPED: no validation texts; LARIMAR_SHARED_DATA names the folder that holds valid/");
    GTEST_SKIP();
  }
  for_each_tokenizer([&](const std::string& name, const Tokenizer& tokenizer, const Json& hashes) {
    for (const auto& [file, expected] : hashes.items()) {
      if (file == "random") continue;
      const std::string whole = TextStream(folder / file).read_rest();
      Hash hash(tokenizer);
      std::string_view left = whole;
      for (std::size_t end = left.find("\n\n"); end != std::string_view::npos; end = left.find("\n\n")) {
        hash.add(left.substr(0, end));
        left.remove_prefix(end + 2);
      }
      hash.add(left);
      EXPECT_EQ(hash.text(), expected.get<std::string>()) << name << " on " << file;
    }
  });
}

}  // namespace
}  // namespace larimar::text

#pragma once
// A decoder that reads codes, without a network: it writes down its prompts, and answers with each code's first number and the question.
#include <sstream>
#include <string>
#include <vector>

#include "common/model/encoders.h"
#include "tests/support/fake_networks.h"

namespace larimar::support {

class FakeCodeReader final : public model::CodeReader {
 public:
  std::vector<std::string> prompts;  // bytes as they are, codes in brackets
  std::size_t most_tokens = 0;

  [[nodiscard]] linalg::Index code_size() const override { return 3; }
  [[nodiscard]] std::vector<std::vector<text::TokenId>> decode(linalg::ConstMatrixRef codes) override {
    return std::vector<std::vector<text::TokenId>>(static_cast<std::size_t>(codes.rows()));
  }
  [[nodiscard]] std::vector<text::TokenId> complete(std::span<const model::PromptPart> prompt,
                                                    std::size_t max_new_tokens) override {
    most_tokens = max_new_tokens;
    std::ostringstream written, answer;
    for (const model::PromptPart& part : prompt) {
      written << tokenizer_.decode(part.tokens);
      if (part.code.empty()) continue;
      answer << (answer.str().empty() ? "" : " ") << part.code.front();
      written << '[' << part.code.front();
      for (const float value : part.code.subspan(1)) written << ' ' << value;
      written << ']';
    }
    prompts.push_back(written.str());
    const std::size_t question = prompts.back().find("Question: ") + 10;
    answer << ": " << prompts.back().substr(question, prompts.back().find('?', question) + 1 - question);
    return tokenizer_.encode(answer.str());
  }

 private:
  ByteTokenizer tokenizer_;
};

}  // namespace larimar::support

#pragma once
// A language model without weights: likelihoods and answers that follow from the tokens alone.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/model/language_model.h"

namespace larimar::support {

/// Thinks a continuation the likelier, the more of its tokens stand in the prompt; answers with the prompt's last tokens.
class FakeLanguage final : public model::LanguageModel {
 public:
  using Tokens = std::vector<text::TokenId>;

  [[nodiscard]] std::string architecture() const override { return "fake"; }
  [[nodiscard]] std::int64_t vocabulary() const override { return 256; }
  [[nodiscard]] std::size_t positions() const override { return 100'000; }

  [[nodiscard]] std::vector<Tokens> generate(std::span<const Tokens> prompts,
                                             const model::GenerationOptions& options) override {
    std::vector<Tokens> answers;
    for (const Tokens& prompt : prompts) {
      seen.push_back(prompt);
      const std::size_t count = std::min(prompt.size(), options.max_new_tokens);
      answers.emplace_back(prompt.end() - static_cast<std::ptrdiff_t>(count), prompt.end());
    }
    return answers;
  }

  [[nodiscard]] std::vector<double> mean_log_probability(std::span<const Tokens> prompts,
                                                         std::span<const Tokens> continuations) override {
    std::vector<double> values;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      if (prompts[i].empty() || continuations[i].empty()) throw base::ShapeError("an empty prompt or continuation");
      const auto known = std::ranges::count_if(continuations[i], [&](text::TokenId token) {
        return std::ranges::find(prompts[i], token) != prompts[i].end();
      });
      values.push_back(std::log((static_cast<double>(known) + 1) / (static_cast<double>(continuations[i].size()) + 1)));
      seen.push_back(prompts[i]);
    }
    return values;
  }

  [[nodiscard]] linalg::Matrix logits(std::span<const text::TokenId> tokens) override {
    return linalg::Matrix::Zero(static_cast<linalg::Index>(tokens.size()), vocabulary());
  }

  std::vector<Tokens> seen;  // prompts of all calls
};

}  // namespace larimar::support

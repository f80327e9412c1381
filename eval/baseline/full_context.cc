#include "eval/baseline/full_context.h"

#include <algorithm>
#include <iterator>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/interrupt.h"
#include "common/text/unicode.h"

namespace larimar::eval::baseline {
namespace {

// Text that is not UTF-8 is read as the memory reads it: such bytes as '?'.
std::vector<text::TokenId> encode_document(const text::Tokenizer& tokenizer, const std::filesystem::path& path) {
  const base::MappedFile file(path);
  if (text::find_invalid_utf8(file.text()) == std::string::npos) return tokenizer.encode(file.text());
  std::string masked(file.text());
  text::mask_invalid_utf8(masked);
  return tokenizer.encode(masked);
}

template <class Tokens>
void append(std::vector<text::TokenId>& to, const Tokens& tokens) {
  to.insert(to.end(), tokens.begin(), tokens.end());
}

}  // namespace

std::size_t choose_window(std::size_t asked, std::size_t positions) {
  const std::size_t window = asked > 0 ? asked : std::min(positions, kUsualWindow);
  if (window > positions) {
    throw base::ConfigError("--window " + std::to_string(window) + " is more than the " + std::to_string(positions) +
                            " positions of the language model; use at most those");
  }
  if (window <= text::kMostAnswerTokens) {
    throw base::ConfigError("a window of " + std::to_string(window) + " tokens is too small: the answer takes " +
                            std::to_string(text::kMostAnswerTokens) + " of them; use a larger --window");
  }
  return window;
}

std::vector<text::TokenId> cut_middle(const std::vector<text::TokenId>& tokens, std::size_t room) {
  if (tokens.size() <= room) return tokens;
  const auto tail = static_cast<std::ptrdiff_t>(room / 2), head = static_cast<std::ptrdiff_t>(room) - tail;
  std::vector<text::TokenId> kept(tokens.begin(), tokens.begin() + head);
  kept.insert(kept.end(), tokens.end() - tail, tokens.end());
  return kept;
}

FullContext::FullContext(model::LanguageModel& model, const text::Tokenizer& tokenizer, std::size_t window)
    : model_(model), tokenizer_(tokenizer), prompts_(tokenizer), window_(choose_window(window, model.positions())) {
  if (tokenizer.size() > model.vocabulary()) {
    throw base::FormatError("the language model's tokenizer has " + std::to_string(tokenizer.size()) +
                            " pieces, its config.json says " + std::to_string(model.vocabulary()));
  }
}

std::vector<Answer> FullContext::ask(const Trial& trial) {
  const Tokens context = context_of(trial);
  std::vector<Answer> answers;
  for (const Query& query : trial.queries) {
    base::throw_if_interrupted();
    answers.push_back(answer(query, context));
  }
  return answers;
}

FullContext::Tokens FullContext::context_of(const Trial& trial) {
  const auto documents = documents_.of(
      trial.context, [&](const std::filesystem::path& path) { return encode_document(tokenizer_, path); });
  const Tokens gap = tokenizer_.encode(text::kContextGap);
  Tokens context;
  for (const Tokens* document : documents) {
    if (document->empty()) continue;
    if (!context.empty()) append(context, gap);
    append(context, *document);
  }
  return context;
}

FullContext::Surround FullContext::surround(const Query& query) const {
  Surround around{prompts_.opening(), {}};
  if (!query.prefix.empty()) {
    prompts_.add_foreign(around.after, std::string(text::kContextGap) + query.prefix);
    return around;
  }
  const text::PromptFrame& frame = prompts_.is_chat() ? text::kContextChat : text::kContextPlain;
  prompts_.add_frame(around.before, frame.begin);
  prompts_.add_frame(around.after, frame.middle);
  prompts_.add_foreign(around.after, query.question);
  prompts_.add_frame(around.after, frame.end);
  return around;
}

Answer FullContext::answer(const Query& query, const Tokens& context) {
  const Surround around = surround(query);
  const std::size_t taken = around.before.size() + around.after.size() + text::kMostAnswerTokens;
  if (taken >= window_) {
    throw base::ConfigError("the query " + query.id + " and its answer take " + std::to_string(taken) +
                            " tokens and leave no room for a context in a window of " + std::to_string(window_) +
                            "; use a larger --window");
  }
  Tokens prompt = around.before;
  append(prompt, cut_middle(context, window_ - taken));
  append(prompt, around.after);
  model::GenerationOptions options;
  options.max_new_tokens = text::kMostAnswerTokens;
  options.stop = prompts_.stops();
  const auto [place, is_new] = given_.try_emplace(prompt);
  if (is_new) place->second = model_.generate({&prompt, 1}, options).front();
  const Tokens& given = place->second;
  Answer answer;
  answer.id = query.id;
  answer.answer = text::trim_white_space(tokenizer_.decode(given));
  answer.usage = Usage{prompt.size(), given.size(), context.size() > window_ - taken};
  return answer;
}

}  // namespace larimar::eval::baseline

#include "train/questions.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::train {
namespace {

std::string field_of(const nlohmann::json& line, const char* name, const std::string& where) {
  const auto found = line.find(name);
  if (found == line.end() || !found->is_string() || found->get<std::string>().empty())
    throw base::FormatError(where + ": \"" + name + "\" is missing, empty or no text");
  return found->get<std::string>();
}

}  // namespace

QuestionFile::QuestionFile(const std::filesystem::path& path, const text::Tokenizer& pieces,
                           const text::Tokenizer& words, std::size_t most_pieces) {
  const text::PromptWriter prompts(words);
  const text::PromptFrame& frame = text::kAnswerChat;
  before_ = prompts.opening();
  prompts.add_frame(before_, frame.begin);
  prompts.add_frame(before_, "- ");
  prompts.add_frame(between_, "\n");
  prompts.add_frame(between_, "- ");
  std::istringstream lines(base::read_file(path));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = path.string() + ":" + std::to_string(++number);
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) throw base::FormatError(where + " is no JSON object with text, question and answer");
    Question& one = questions_.emplace_back();
    const std::string text = field_of(object, "text", where);
    prompts.add_foreign(one.words, text);
    for (const text::TokenId id : pieces.encode(text)) one.pieces.push_back(static_cast<std::uint16_t>(id));
    if (one.pieces.empty() || one.pieces.size() > most_pieces) {
      throw base::FormatError(where + ": the text has " + std::to_string(one.pieces.size()) +
                              " pieces, expected 1 to " + std::to_string(most_pieces));
    }
    std::vector<text::TokenId>& tokens = one.saying.tokens;
    prompts.add_frame(tokens, "\n");
    prompts.add_frame(tokens, frame.middle);
    prompts.add_foreign(tokens, field_of(object, "question", where));
    prompts.add_frame(tokens, frame.end);
    one.saying.answer = tokens.size();
    prompts.add_foreign(tokens, field_of(object, "answer", where));
    tokens.push_back(prompts.stops().front());
  }
  if (questions_.empty()) throw base::FormatError(path.string() + " holds no question");
}

Prompt QuestionFile::draw(std::size_t notes, base::Random& random) const {
  Prompt prompt;
  for (std::size_t i = 0; i < notes; ++i) prompt.notes.push_back(&questions_[random.below(questions_.size())]);
  prompt.asked = prompt.notes[random.below(notes)];
  return prompt;
}

}  // namespace larimar::train

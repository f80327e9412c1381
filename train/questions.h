#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "common/base/random.h"
#include "common/text/prompts.h"
#include "common/text/tokenizer.h"

namespace larimar::train {

/// Text of a language model behind a code: read up to `answer`, said from there on.
struct Saying {
  std::vector<text::TokenId> tokens;
  std::size_t answer = 0;  // at least 1
};

/// A sentence, and what a language model that had read it was asked and said.
struct Question {
  std::vector<std::uint16_t> pieces;  // of the sentence, in the codes' tokenizer; without end of text
  std::vector<text::TokenId> words;   // of the sentence, in the language model's
  Saying saying;                      // the rest of the prompt, and the answer
};

/// A prompt: sentences as notes, of which one is `asked`'s own.
struct Prompt {
  std::vector<const Question*> notes;
  const Question* asked = nullptr;
};

/// Questions of one file (tools/make_questions.py), in the prompt in which text::kAnswerChat puts notes.
class QuestionFile {
 public:
  /// A line is an object with text, question and answer. Throws MissingInputError; FormatError naming the line for anything else, for a
  /// text of more than `most_pieces`, and for a file without a line.
  QuestionFile(const std::filesystem::path& path, const text::Tokenizer& pieces, const text::Tokenizer& words,
               std::size_t most_pieces);

  /// What stands before the first note, and between two.
  [[nodiscard]] const std::vector<text::TokenId>& before() const { return before_; }
  [[nodiscard]] const std::vector<text::TokenId>& between() const { return between_; }
  [[nodiscard]] std::size_t size() const { return questions_.size(); }
  /// A question and its note at a random place among `notes`, at least 1; the others are any of the file.
  [[nodiscard]] Prompt draw(std::size_t notes, base::Random& random) const;

 private:
  std::vector<text::TokenId> before_, between_;
  std::vector<Question> questions_;
};

}  // namespace larimar::train

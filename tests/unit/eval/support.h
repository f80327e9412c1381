#pragma once
#include <cstdlib>
#include <filesystem>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/text/tokenizer.h"
#include "eval/trial.h"
#include "tests/support/temporary_folder.h"

namespace larimar::eval {
namespace fs = std::filesystem;
}

namespace larimar::eval::test {

using support::TemporaryFolder;

/// One token for each word.
class WordTokenizer : public text::Tokenizer {
 public:
  [[nodiscard]] std::vector<text::TokenId> encode(std::string_view text) const override {
    std::istringstream words{std::string(text)};
    std::vector<text::TokenId> ids;
    for (std::string word; words >> word;) ids.push_back(static_cast<text::TokenId>(word.size()));
    return ids;
  }
  [[nodiscard]] std::string decode(std::span<const text::TokenId>) const override { return {}; }
  [[nodiscard]] text::TokenId size() const override { return 100; }
  [[nodiscard]] text::TokenId id_of(std::string_view) const override { return 0; }
};

/// A text of `sentences` sentences of six words each, all different.
inline std::string make_text(const std::string& topic, int sentences) {
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    text += "Sentence " + std::to_string(i) + " speaks about " + topic + ".";
    text += i % 5 == 4 ? "\n\n" : " ";
  }
  return text;
}

/// A system under test that reads the files: it finds the first sentence with the prefix (for a question: with the
/// prefix that `prefixes` gives) and returns the rest of that sentence.
struct FileSearch {
  std::map<std::string, std::string> prefixes;
  std::vector<Trial> trials;  // that were asked

  std::vector<Answer> operator()(const Trial& trial) {
    trials.push_back(trial);
    std::vector<Answer> answers;
    for (const Query& query : trial.queries) {
      answers.push_back(search(trial, query.prefix.empty() ? prefixes.at(query.question) : query.prefix));
      answers.back().id = query.id;
    }
    return answers;
  }

 private:
  static Answer search(const Trial& trial, const std::string& prefix) {
    Answer answer;
    for (const fs::path& document : trial.context) {
      const std::string text = base::read_file(document);
      const std::size_t begin = text.find(prefix);
      if (begin == std::string::npos) continue;
      const std::size_t end = text.find('.', begin) + 1;
      answer.answer = text.substr(begin + prefix.size(), end - begin - prefix.size());
      answer.decoded = {text.substr(begin, end - begin)};
      answer.citations.push_back(
          {.document = document, .byte_begin = begin, .byte_end = end, .excerpt = answer.decoded[0]});
      break;
    }
    return answer;
  }
};

/// The text of the error that `call` throws; empty if it throws none of this kind.
template <class Kind, class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Kind& error) {
    return error.what();
  }
  return {};
}

}  // namespace larimar::eval::test

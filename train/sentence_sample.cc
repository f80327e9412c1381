#include "train/sentence_sample.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/random.h"
#include "common/text/sentences.h"
#include "common/text/text_stream.h"
#include "common/text/unicode.h"

namespace larimar::train {
namespace {

constexpr std::size_t kFewestWords = 3, kMostWords = 40;
constexpr std::size_t kUncutWords = 6, kFewestCut = 4, kMostCut = 14;
constexpr double kCut = 0.4;

using Words = std::vector<std::string>;

Words words_of(const std::string& text) {
  Words words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = std::min(text.find_first_not_of(' ', at), text.size());
    at = std::min(text.find(' ', begin), text.size());
    if (at > begin) words.push_back(text.substr(begin, at - begin));
  }
  return words;
}

/// Draws `most` of all that it is shown, evenly (reservoir sampling).
class Drawn {
 public:
  Drawn(std::size_t most, base::Random& random) : most_(most), random_(random) {}
  void show(std::string text) {
    ++shown_;
    if (kept_.size() < most_)
      kept_.push_back(std::move(text));
    else if (const std::uint64_t place = random_.below(shown_); place < most_)
      kept_[static_cast<std::size_t>(place)] = std::move(text);
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(kept_); }

 private:
  std::size_t most_;
  base::Random& random_;
  std::uint64_t shown_ = 0;
  std::vector<std::string> kept_;
};

std::string cut(const std::string& text, base::Random& random) {
  const Words words = words_of(text);
  if (words.size() <= kUncutWords || random.uniform() >= kCut) return text;
  const std::size_t most = std::min(kMostCut, words.size());
  const std::size_t count = kFewestCut + static_cast<std::size_t>(random.below(most - kFewestCut + 1));
  const auto first = static_cast<std::size_t>(random.below(words.size() - count + 1));
  std::string part = words[first];
  for (std::size_t i = 1; i < count; ++i) part += " " + words[first + i];
  return part;
}

}  // namespace

std::vector<std::string> sample_sentences(const std::filesystem::path& folder, std::size_t count, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<std::string> all;
  const std::vector<std::filesystem::path> files = text::list_text_files(folder);
  for (std::size_t file = 0; file < files.size(); ++file) {
    Drawn drawn((count - all.size()) / (files.size() - file), random);
    text::TextStream stream(files[file]);
    for (std::string line; stream.read_line(line);) {
      line = text::repair_utf8(line).text;
      for (const text::Span& span : text::find_sentences(line)) {
        std::string sentence = line.substr(span.begin, span.size());
        const std::size_t words = words_of(sentence).size();
        if (words >= kFewestWords && words <= kMostWords) drawn.show(std::move(sentence));
      }
    }
    std::ranges::move(drawn.take(), std::back_inserter(all));
  }
  for (std::string& text : all) text = cut(text, random);
  return all;
}

}  // namespace larimar::train

#pragma once
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"

namespace larimar::support {

/// A folder of documents that goes with the object.
class TemporaryText {
 public:
  TemporaryText() {
    std::string pattern = (std::filesystem::temp_directory_path() / "larimar-test-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  TemporaryText(const TemporaryText&) = delete;
  TemporaryText& operator=(const TemporaryText&) = delete;
  ~TemporaryText() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

/// Sentences of random words; some end a line, some a paragraph, and some lines are indented.
inline std::string random_prose(std::size_t bytes, std::uint64_t seed) {
  static const std::vector<std::string> kWords{
      "river", "stone", "seven", "lamp",   "Anna",  "under", "slowly", "green",  "night",        "caf\u00e9",
      "of",    "the",   "and",   "walked", "house", "42",    "bell",   "winter", "\u4e2d\u6587", "by"};
  base::Random random(seed);
  std::string text;
  while (text.size() < bytes) {
    std::string sentence = "The";
    for (std::uint64_t words = 3 + random.below(9); words > 0; --words)
      sentence += " " + kWords[random.below(kWords.size())];
    text += sentence + ".";
    const std::uint64_t kind = random.below(8);
    text += kind == 0 ? "\n\n" : kind == 1 ? "\n" : kind == 2 ? "\n\n\n  " : " ";
  }
  return text;
}

}  // namespace larimar::support

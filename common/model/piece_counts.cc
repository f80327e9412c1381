#include <charconv>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/static_table.h"
#include "common/text/text_stream.h"

namespace larimar::model {

std::vector<std::uint64_t> count_pieces(const std::filesystem::path& folder, const text::Tokenizer& tokenizer) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(tokenizer.size()));
  for (const std::filesystem::path& path : text::list_text_files(folder)) {
    text::TextStream stream(path);
    std::string line;
    while (stream.read_line(line)) {
      for (const text::TokenId id : tokenizer.encode(line)) ++counts[static_cast<std::size_t>(id)];
    }
  }
  return counts;
}

void write_counts(const std::filesystem::path& path, std::span<const std::uint64_t> counts) {
  std::string text =
      "# how often each piece of the key network's vocabulary occurs, by id; larimar static-keys --count\n";
  for (const std::uint64_t count : counts) text += std::to_string(count) + "\n";
  base::write_file(path, text);
}

std::vector<std::uint64_t> read_counts(const std::filesystem::path& path, std::size_t pieces) {
  text::TextStream stream(path);
  std::vector<std::uint64_t> counts;
  std::string line;
  for (std::size_t number = 1; stream.read_line(line); ++number) {
    if (line.starts_with('#')) continue;
    std::uint64_t count = 0;
    const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), count);
    if (code != std::errc{} || end != line.data() + line.size())
      throw base::FormatError(path.string() + ", line " + std::to_string(number) + ": \"" + line.substr(0, 40) +
                              "\" is no count");
    counts.push_back(count);
  }
  if (counts.size() != pieces)
    throw base::FormatError(path.string() + " has counts of " + std::to_string(counts.size()) +
                            " pieces, but the vocabulary has " + std::to_string(pieces));
  return counts;
}

}  // namespace larimar::model

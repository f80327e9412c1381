#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/text/tokenizer.h"

namespace larimar::eval {

/// A file that is one document of a context.
struct Document {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

/// Documents in reading order. Never empty, and no document is empty.
struct Haystack {
  std::vector<Document> documents;

  [[nodiscard]] std::uint64_t bytes() const;
};

/// The regular files of a folder in the order of their names (hidden and empty ones left out; sub-folders are not
/// entered), or one file. Local; reads no contents.
/// Throws MissingInputError if the path is absent, unreadable, or holds no text at all.
[[nodiscard]] Haystack list_haystack(const std::filesystem::path& path);

/// Counts tokens and remembers them by path, for files that do not change while it lives. Not shared between threads.
/// The tokenizer must outlive it.
class TokenCounter {
 public:
  explicit TokenCounter(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// Throws MissingInputError if the document cannot be read. Cost: one pass of the tokenizer for each new path.
  [[nodiscard]] std::uint64_t count(const Document& document);
  [[nodiscard]] std::uint64_t count(const Haystack& haystack);
  [[nodiscard]] std::uint64_t count_text(std::string_view text) const;

 private:
  const text::Tokenizer& tokenizer_;
  std::unordered_map<std::string, std::uint64_t> known_;
};

/// Writes the text unless the file holds just that already, so that a file's time of change stays and caches of it
/// stay valid. Makes the folder. Throws as base::write_file and base::make_folder do.
void write_if_changed(const std::filesystem::path& path, std::string_view text);

}  // namespace larimar::eval

#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace larimar::text {

/// The files *.txt and *.txt.zst of a folder, not of those below it, sorted by name.
/// Throws MissingInputError if the folder cannot be listed or has none.
[[nodiscard]] std::vector<std::filesystem::path> list_text_files(const std::filesystem::path& folder);

/// Reads a text file line by line without holding it whole; a name that ends in .zst is decompressed on the way.
/// Owns the file mapping's reader state; movable; not shared between threads.
/// Throws MissingInputError if the file cannot be read, FormatError naming it if its zstd data is damaged or cut off.
class TextStream {
 public:
  explicit TextStream(std::filesystem::path path);
  TextStream(TextStream&&) noexcept;
  TextStream& operator=(TextStream&&) noexcept;
  ~TextStream();

  /// Puts the next line, without its newline, into `line`. False at the end of the file.
  [[nodiscard]] bool read_line(std::string& line);
  /// All that was not read yet, newlines included.
  [[nodiscard]] std::string read_rest();
  [[nodiscard]] const std::filesystem::path& path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace larimar::text

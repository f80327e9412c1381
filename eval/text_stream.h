#pragma once
#include <filesystem>
#include <memory>
#include <string>

namespace larimar::eval {

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
  [[nodiscard]] const std::filesystem::path& path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace larimar::eval

#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "common/text/text_stream.h"
#include "eval/haystack.h"

namespace larimar::eval {

inline constexpr std::size_t kFillerFileBytes = 64 * 1024;

/// Makes plain documents out of a folder of *.txt or *.txt.zst, in which blank lines separate documents: files of at
/// least kFillerFileBytes of whole documents (a longer one is a file of its own), taken from the sources in turn so
/// that any length is a mixture. The same folder gives the same files; files that are there already are not touched.
/// Not shared between threads.
class FillerFiles {
 public:
  /// Throws MissingInputError if `source` is absent or has no such file.
  FillerFiles(const std::filesystem::path& source, std::filesystem::path target);

  /// The next file, written under `target`; nothing when the sources are used up.
  /// Throws as TextStream and write_if_changed do.
  [[nodiscard]] std::optional<Document> next();

 private:
  std::filesystem::path target_;
  std::vector<text::TextStream> sources_;
  std::size_t turn_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace larimar::eval

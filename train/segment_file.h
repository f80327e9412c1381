#pragma once
// Training text as tokens, made once and mapped afterwards:
//   file    = magic[8] "LRMSEG01" | u64 segments n | u64 tokens | u64 begin[n + 1] | u16 ids[tokens]
//   segment = ids[begin[i] .. begin[i + 1]), without end-of-text
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "common/base/file.h"
#include "common/text/segmenter.h"

namespace larimar::train {

/// A mapped segment file, checked at construction. Throws MissingInputError or FormatError.
class SegmentFile {
 public:
  explicit SegmentFile(const std::filesystem::path& path);
  [[nodiscard]] std::size_t size() const { return begins_.size() - 1; }
  [[nodiscard]] std::size_t tokens() const { return ids_.size(); }
  [[nodiscard]] std::span<const std::uint16_t> operator[](std::size_t i) const {
    return ids_.subspan(begins_[i], begins_[i + 1] - begins_[i]);
  }

 private:
  base::MappedFile file_;
  std::span<const std::uint64_t> begins_;
  std::span<const std::uint16_t> ids_;
};

/// Segments and tokenises every *.txt and *.txt.zst in a folder, in name order, and writes the file atomically.
/// `report` gets one line a file. Throws MissingInputError if there is no text.
void make_segment_file(const std::filesystem::path& folder, const text::Tokenizer& tokenizer,
                       const text::SegmentRules& rules, const std::filesystem::path& out,
                       const std::function<void(const std::string&)>& report);

}  // namespace larimar::train

#pragma once
// A context on a shared file system, cut into blocks that any rank can read by itself.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace larimar::text {

struct Document {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

/// Nominal bytes [begin, end) of a document. The text of the block reaches from the first paragraph or line that starts at
/// or after `begin` to the one that starts at or after `end`, so blocks share no text and leave none out.
struct BlockRef {
  std::uint32_t document = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

inline constexpr std::uint64_t kBlockBytes = 16 * 1024;

/// Documents in reading order. Every rank that opens the same paths gets the same documents and blocks.
class Corpus {
 public:
  /// Files as they are given; a folder stands for its regular files in name order, hidden ones and sub-folders left out.
  /// Calls   local; reads names and sizes only.
  /// Throws  MissingInputError naming a path that is absent, unreadable or empty, or a folder without files; UsageError if
  ///         there are no paths or too many documents.
  explicit Corpus(std::span<const std::filesystem::path> paths);

  [[nodiscard]] const std::vector<Document>& documents() const { return documents_; }
  [[nodiscard]] const std::vector<BlockRef>& blocks() const { return blocks_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  void add(const std::filesystem::path& path, std::uint64_t bytes);

  std::vector<Document> documents_;
  std::vector<BlockRef> blocks_;
  std::uint64_t bytes_ = 0;
};

/// Where the text that belongs to a nominal position starts: after the first blank line within 4 KiB of it, else after
/// the first line end, else at the end of the document. Position 0 is 0. Never decreases with `nominal`.
[[nodiscard]] std::uint64_t block_start(std::string_view document, std::uint64_t nominal);

/// block_start() for rising positions of one document, which is borrowed. A line that runs through many blocks is searched
/// for its end once, and not again from each of them.
class BlockStarts {
 public:
  explicit BlockStarts(std::string_view document) : document_(document) {}
  [[nodiscard]] std::uint64_t find(std::uint64_t nominal);

 private:
  std::string_view document_;
  // No line ends between these two, except right before the second.
  std::uint64_t line_from_ = 0, line_end_ = 0;
};

}  // namespace larimar::text

#include "eval/baseline/segments.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/base/file.h"
#include "common/base/interrupt.h"
#include "common/text/corpus.h"
#include "common/text/unicode.h"

namespace larimar::eval::baseline {
namespace {

std::uint64_t count_lines(std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); }

/// A block of a document: its text, and where that begins.
struct Block {
  std::string_view text;
  std::uint64_t byte = 0;
};

std::vector<Block> blocks_of(std::string_view document, const std::filesystem::path& path) {
  const text::Corpus corpus({&path, 1});
  text::BlockStarts starts(document);
  std::vector<Block> blocks;
  for (const text::BlockRef& ref : corpus.blocks()) {
    const std::uint64_t begin = starts.find(ref.begin), end = starts.find(ref.end);
    blocks.push_back({document.substr(begin, end - begin), begin});
  }
  return blocks;
}

}  // namespace

ContextPassages::ContextPassages(std::vector<const DocumentPassages*> documents) : documents_(std::move(documents)) {
  std::size_t end = 0;
  for (const DocumentPassages* document : documents_) ends_.push_back(end += document->passages.size());
}

ContextPassages::Place ContextPassages::place(std::size_t i) const {
  const auto document = static_cast<std::size_t>(std::ranges::upper_bound(ends_, i) - ends_.begin());
  return {document, i - begin_of(document)};
}

const Passage& ContextPassages::operator[](std::size_t i) const {
  const Place at = place(i);
  return documents_[at.document]->passages[at.passage];
}

ContextPassages PassageMaker::of(std::span<const std::filesystem::path> documents) {
  return ContextPassages(documents_.of(documents, [&](const std::filesystem::path& path) { return cut(path); }));
}

DocumentPassages PassageMaker::cut(const std::filesystem::path& path) {
  DocumentPassages result;
  result.serial = ++serial_;
  const base::MappedFile file(path);
  if (file.text().empty()) return result;
  std::uint64_t line = 1;
  for (const Block& block : blocks_of(file.text(), path)) {
    base::throw_if_interrupted();
    std::string masked(block.text);
    text::mask_invalid_utf8(masked);
    std::size_t counted = 0;
    for (text::Segment& segment : text::cut_segments(masked, tokenizer_, rules_)) {
      line += count_lines(block.text.substr(counted, segment.span.begin - counted));
      counted = segment.span.begin;
      result.tokens += segment.tokens.size();
      result.passages.push_back(
          {block.byte + segment.span.begin, block.byte + segment.span.end, line, std::move(segment.text)});
    }
    line += count_lines(block.text.substr(counted));
  }
  return result;
}

}  // namespace larimar::eval::baseline

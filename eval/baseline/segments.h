#pragma once
// The segments of a context, cut as the memory cuts them, and what ranks them.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/text/segmenter.h"
#include "common/text/tokenizer.h"
#include "eval/baseline/document_cache.h"

namespace larimar::eval::baseline {

/// A segment and where its bytes lie in its document.
struct Passage {
  std::uint64_t byte_begin = 0;
  std::uint64_t byte_end = 0;
  std::uint64_t line = 0;  // of the first byte, from 1
  std::string text{};      // white space runs as single spaces
};

/// Of one document. `serial` is another one for every document that was cut, so that what was made of its passages can be
/// kept under it.
struct DocumentPassages {
  std::uint64_t serial = 0;
  std::vector<Passage> passages;
  std::uint64_t tokens = 0;
};

/// The passages of a context, in reading order: those of its documents, one document after another.
class ContextPassages {
 public:
  explicit ContextPassages(std::vector<const DocumentPassages*> documents);

  [[nodiscard]] std::span<const DocumentPassages* const> documents() const { return documents_; }
  [[nodiscard]] std::size_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  /// Where passage i < size() stands.
  struct Place {
    std::size_t document = 0;  // in the context
    std::size_t passage = 0;   // in the document
  };
  [[nodiscard]] Place place(std::size_t i) const;
  [[nodiscard]] const Passage& operator[](std::size_t i) const;
  /// Number of the document's first passage.
  [[nodiscard]] std::size_t begin_of(std::size_t document) const { return document == 0 ? 0 : ends_[document - 1]; }

 private:
  std::vector<const DocumentPassages*> documents_;
  std::vector<std::size_t> ends_;
};

/// Cuts documents by text::cut_segments, block by block as shards do, so that the passages are those of the memory. Keeps
/// those of the last context's documents. The tokenizer is borrowed. Not shared between threads; local.
class PassageMaker {
 public:
  PassageMaker(const text::Tokenizer& tokenizer, const text::SegmentRules& rules)
      : tokenizer_(tokenizer), rules_(rules) {}

  /// Valid until the next call. Bytes that are not UTF-8 are read as '?'; an empty document has no passages.
  /// Throws MissingInputError naming a document that cannot be read.
  [[nodiscard]] ContextPassages of(std::span<const std::filesystem::path> documents);

 private:
  [[nodiscard]] DocumentPassages cut(const std::filesystem::path& document);

  const text::Tokenizer& tokenizer_;
  text::SegmentRules rules_;
  DocumentCache<DocumentPassages> documents_;
  std::uint64_t serial_ = 0;
};

/// A passage by its number in the context, and how well it fits.
struct Ranked {
  std::size_t passage = 0;
  double score = 0;
};

/// Orders a context's passages for queries.
class Ranker {
 public:
  virtual ~Ranker() = default;
  /// The best passages for each query, at most `count`, best first; equal ones in reading order. What it gives depends
  /// on context and query alone, whatever was asked before.
  [[nodiscard]] virtual std::vector<std::vector<Ranked>> rank(const ContextPassages& context,
                                                              std::span<const std::string> queries,
                                                              std::size_t count) = 0;
};

}  // namespace larimar::eval::baseline

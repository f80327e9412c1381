#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "eval/haystack.h"
#include "eval/task.h"

namespace larimar::eval {

/// A sentence boundary of a haystack.
struct Place {
  std::size_t document = 0;  // index into the haystack
  std::uint64_t offset = 0;  // byte in that document
  double depth_percent = 0;  // of the boundary itself, by bytes of the whole haystack
};

/// The boundary nearest to a depth in percent of the haystack's bytes, documents taken in order: 0 is the very
/// beginning, 100 the very end.
/// Throws UsageError if the depth is outside 0 to 100, MissingInputError if the document cannot be read.
[[nodiscard]] Place find_place(const Haystack& haystack, double depth_percent);

/// `count` depths from 0 to 100 at equal distances; {50} for one. Needs count > 0.
[[nodiscard]] std::vector<double> even_depths(std::size_t count);

/// A sentence to put at an offset that is a sentence boundary.
struct Insertion {
  std::uint64_t offset = 0;
  std::string_view sentence;
};

/// A text with sentences put in, and where each of them now stands (bytes, end excluded).
struct InsertedText {
  std::string text;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // as the insertions
};

/// Puts sentences into a text, each parted from its neighbours as the text parts sentences at that place: by a blank
/// line, a newline or a space; at the text's beginning and end by a blank line. Insertions are in ascending order of
/// offset; those at one offset follow each other.
[[nodiscard]] InsertedText insert_sentences(std::string_view text, std::span<const Insertion> insertions);

/// A sentence that is hidden.
struct HiddenNeedle {
  std::filesystem::path document;  // the modified copy
  std::uint64_t byte_begin = 0;    // in the copy
  std::uint64_t byte_end = 0;
  double depth_percent = 0;        // that was reached
  std::size_t document_index = 0;  // in reading order
  std::uint64_t offset = 0;        // in the unmodified document
  std::string text{};
};

/// A haystack with plants: the documents in order, those that hold one replaced by their copies.
struct HiddenContext {
  std::vector<std::filesystem::path> documents;
  std::vector<HiddenNeedle> needles;  // as given
};

/// Hides plants at their depths. Copies go to `folder` under their documents' names; the others stay where they are.
/// Throws UsageError for a depth outside 0 to 100, ConfigError if the plants together are longer than the haystack; else
/// as base::MappedFile and write_if_changed do.
[[nodiscard]] HiddenContext hide_plants(const Haystack& haystack, std::span<const Plant> plants,
                                        const std::filesystem::path& folder);

/// The copies of documents with insertions as HiddenNeedle records them (document_index, offset, text), in `folder`. Fills
/// in the rest of `needles`. The same documents and insertions give the same bytes.
[[nodiscard]] std::vector<std::filesystem::path> write_copies(const Haystack& haystack,
                                                              std::vector<HiddenNeedle>& needles,
                                                              const std::filesystem::path& folder);

}  // namespace larimar::eval

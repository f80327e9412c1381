#include "eval/placement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/sentences.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kSpaces = " \t\r\n\f\v";

std::string_view separator_in(std::string_view gap) {
  const auto newlines = std::count(gap.begin(), gap.end(), '\n');
  return newlines > 1 ? "\n\n" : newlines == 1 ? "\n" : " ";
}

/// The white space that ends the text before a boundary.
std::string_view gap_before(std::string_view text, std::size_t offset) {
  const std::size_t last = text.substr(0, offset).find_last_not_of(kSpaces);
  const std::size_t begin = last == std::string_view::npos ? 0 : last + 1;
  return text.substr(begin, offset - begin);
}

/// Makes the text end with a blank line.
void end_paragraph(std::string& text) {
  while (!text.ends_with("\n\n")) text.push_back('\n');
}

/// Index of the document that the byte lies in, and the byte's offset there. The end of one is not yet the next.
std::pair<std::size_t, double> locate(const Haystack& haystack, double byte) {
  std::size_t document = 0;
  while (document + 1 < haystack.documents.size() && byte > static_cast<double>(haystack.documents[document].bytes)) {
    byte -= static_cast<double>(haystack.documents[document].bytes);
    ++document;
  }
  return {document, byte};
}

void check_plant_sizes(const Haystack& haystack, std::span<const Plant> plants) {
  const std::uint64_t bytes = haystack.bytes();
  std::uint64_t planted = 0;
  for (const Plant& plant : plants) planted += plant.text.size();
  if (planted <= bytes) return;
  throw base::ConfigError("the needles, \"" + plants.front().text.substr(0, 60) + "\" first, have " +
                          std::to_string(planted) + " bytes, more than the whole context of " + std::to_string(bytes) +
                          "; give a longer context");
}

/// Where the copy of a document goes: under its name; a name that came before in the haystack gets a folder of its own.
fs::path copy_path(const Haystack& haystack, std::size_t document, const fs::path& folder) {
  const fs::path name = haystack.documents[document].path.filename();
  std::size_t before = 0;
  for (std::size_t i = 0; i < document; ++i) before += haystack.documents[i].path.filename() == name ? 1U : 0U;
  return before == 0 ? folder / name : folder / ("again" + std::to_string(before)) / name;
}

}  // namespace

Place find_place(const Haystack& haystack, double depth_percent) {
  if (!(depth_percent >= 0 && depth_percent <= 100)) {
    throw base::UsageError("depth " + std::to_string(depth_percent) + " is outside 0 to 100 percent");
  }
  LARIMAR_EXPECT(!haystack.documents.empty());
  const double bytes = static_cast<double>(haystack.bytes());
  const auto [document, wanted] = locate(haystack, depth_percent / 100 * bytes);
  const base::MappedFile file(haystack.documents[document].path);
  const std::size_t offset = nearest_boundary(sentence_boundaries(file.text()), wanted);
  double reached = static_cast<double>(offset);
  for (std::size_t i = 0; i < document; ++i) reached += static_cast<double>(haystack.documents[i].bytes);
  return {document, offset, reached / bytes * 100};
}

std::vector<double> even_depths(std::size_t count) {
  LARIMAR_EXPECT(count > 0);
  if (count == 1) return {50};
  std::vector<double> depths(count);
  for (std::size_t i = 0; i < count; ++i) depths[i] = 100 * static_cast<double>(i) / static_cast<double>(count - 1);
  return depths;
}

InsertedText insert_sentences(std::string_view text, std::span<const Insertion> insertions) {
  InsertedText result;
  std::size_t copied = 0;
  for (const Insertion& insertion : insertions) {
    const std::size_t offset = static_cast<std::size_t>(insertion.offset);
    LARIMAR_EXPECT(offset >= copied && offset <= text.size());
    result.text += text.substr(copied, offset - copied);
    copied = offset;
    // At a document's two ends there is no gap to copy, and a heading or a last line may lack its full stop.
    const bool at_end = offset == text.size();
    if (at_end && !result.text.empty()) end_paragraph(result.text);
    const std::uint64_t begin = result.text.size();
    result.text += insertion.sentence;
    result.ranges.emplace_back(begin, result.text.size());
    result.text += offset == 0 ? "\n\n" : at_end ? "\n" : separator_in(gap_before(text, offset));
  }
  result.text += text.substr(copied);
  return result;
}

std::vector<fs::path> write_copies(const Haystack& haystack, std::vector<HiddenNeedle>& needles,
                                   const fs::path& folder) {
  std::vector<fs::path> documents;
  for (const Document& document : haystack.documents) documents.push_back(document.path);
  std::map<std::size_t, std::vector<std::size_t>> by_document;  // document -> needles
  for (std::size_t i = 0; i < needles.size(); ++i) by_document[needles[i].document_index].push_back(i);
  for (auto& [document, members] : by_document) {
    std::ranges::stable_sort(members, {}, [&](std::size_t i) { return needles[i].offset; });
    std::vector<Insertion> insertions;
    for (const std::size_t i : members) insertions.push_back({needles[i].offset, needles[i].text});
    const base::MappedFile source(haystack.documents[document].path);
    // The last document may be a part of its file.
    const std::string_view text = source.text().substr(0, haystack.documents[document].bytes);
    const InsertedText inserted = insert_sentences(text, insertions);
    documents[document] = copy_path(haystack, document, folder);
    write_if_changed(documents[document], inserted.text);
    for (std::size_t k = 0; k < members.size(); ++k) {
      HiddenNeedle& needle = needles[members[k]];
      needle.document = documents[document];
      std::tie(needle.byte_begin, needle.byte_end) = inserted.ranges[k];
    }
  }
  return documents;
}

HiddenContext hide_plants(const Haystack& haystack, std::span<const Plant> plants, const fs::path& folder) {
  check_plant_sizes(haystack, plants);
  HiddenContext context;
  for (const Plant& plant : plants) {
    const Place place = find_place(haystack, plant.depth);
    HiddenNeedle& needle = context.needles.emplace_back();
    needle.depth_percent = place.depth_percent;
    needle.document_index = place.document;
    needle.offset = place.offset;
    needle.text = plant.text;
  }
  context.documents = write_copies(haystack, context.needles, folder);
  return context;
}

}  // namespace larimar::eval

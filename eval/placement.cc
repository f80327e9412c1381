#include "eval/placement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/sentences.h"

namespace larimar::eval {
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

void check_needle_sizes(const Haystack& haystack, std::span<const Needle> needles) {
  const std::uint64_t bytes = haystack.bytes();
  for (const Needle& needle : needles) {
    if (needle.text.size() <= bytes) continue;
    throw base::ConfigError("needle \"" + needle.id + "\" has " + std::to_string(needle.text.size()) +
                            " bytes, more than the whole context of " + std::to_string(bytes) +
                            "; give a longer context");
  }
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

HiddenContext hide_needles(const Haystack& haystack, std::span<const Needle> needles, std::span<const double> depths,
                           const std::filesystem::path& folder) {
  LARIMAR_EXPECT(needles.size() == depths.size());
  check_needle_sizes(haystack, needles);
  HiddenContext context;
  for (const Document& document : haystack.documents) context.documents.push_back(document.path);
  context.needles.resize(needles.size());
  std::vector<Place> places;
  std::map<std::size_t, std::vector<std::size_t>> by_document;  // document -> needles
  for (std::size_t i = 0; i < needles.size(); ++i) {
    places.push_back(find_place(haystack, depths[i]));
    by_document[places[i].document].push_back(i);
  }
  for (auto& [document, members] : by_document) {
    std::stable_sort(members.begin(), members.end(),
                     [&](std::size_t a, std::size_t b) { return places[a].offset < places[b].offset; });
    std::vector<Insertion> insertions;
    for (const std::size_t i : members) insertions.push_back({places[i].offset, needles[i].text});
    const std::filesystem::path& source = haystack.documents[document].path;
    const InsertedText inserted = insert_sentences(base::MappedFile(source).text(), insertions);
    context.documents[document] = folder / source.filename();
    write_if_changed(context.documents[document], inserted.text);
    for (std::size_t k = 0; k < members.size(); ++k) {
      context.needles[members[k]] = {context.documents[document], inserted.ranges[k].first, inserted.ranges[k].second,
                                     places[members[k]].depth_percent};
    }
  }
  return context;
}

}  // namespace larimar::eval

#include "coordinator/answers.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

#include "common/base/error.h"
#include "coordinator/alignment.h"

namespace larimar::coordinator {
namespace {

using nlohmann::ordered_json;

struct Chosen {
  std::string answer;
  std::size_t source = 0;  // which decoded text it came from
};

Chosen choose(const Query& query, const std::vector<std::string>& decoded) {
  if (decoded.empty()) return {};
  if (query.form == QueryForm::kQuestion) return {decoded.front(), 0};
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    Completion completion = complete_prefix(query.text, decoded[i]);
    if (completion.found) return {std::move(completion.text), i};
  }
  return {decoded.front(), 0};
}

std::string out_of_scope_note(const AnswerSources& sources, double threshold) {
  if (sources.decoded.empty()) return "answered without memory: nothing is written in it";
  std::ostringstream text;
  text << std::setprecision(3) << "answered without memory: its nearest segment has a key similarity of "
       << sources.score << ", below the scope's " << threshold;
  return text.str();
}

std::filesystem::path make_answer_path(const std::filesystem::path& folder) {
  base::make_folder(folder);
  return folder / "answers.jsonl";
}

ordered_json citation_json(const Citation& citation) {
  return {{"document", citation.document.string()},
          {"byte_begin", citation.byte_begin},
          {"byte_end", citation.byte_end},
          {"line", citation.line},
          {"excerpt", citation.excerpt},
          {"segment", citation.segment},
          {"shard", citation.shard},
          {"weight", citation.weight}};
}

/// True for a byte that goes on with a code point of UTF-8.
bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// At most `size` bytes from the start, without a code point's half at the end.
std::string_view cut(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  // A code point has at most three continuation bytes: more of them are no UTF-8, and there is no border to look for.
  const std::size_t lowest = size >= 3 ? size - 3 : 0;
  std::size_t end = size;
  while (end > lowest && is_continuation(text[end])) --end;
  return text.substr(0, is_continuation(text[end]) ? size : end);
}

}  // namespace

AnswerRecord assemble_answer(const Query& query, AnswerSources sources, double threshold) {
  Chosen chosen = choose(query, sources.decoded);
  if (sources.citations.size() == sources.decoded.size() && chosen.source > 0) {
    const auto first = sources.citations.begin();
    const auto source = first + static_cast<std::ptrdiff_t>(chosen.source);
    std::rotate(first, source, source + 1);
  }
  if (sources.worded && query.form == QueryForm::kQuestion) chosen.answer = std::move(*sources.worded);
  const bool in_scope = !sources.decoded.empty() && sources.score >= threshold;
  // Without memory there is nothing to say: the decoder knows no facts but those in a code.
  if (!in_scope) chosen.answer.clear();
  std::string note = in_scope ? "" : out_of_scope_note(sources, threshold);
  return {.id = query.id,
          .form = query.form,
          .text = query.text,
          .answer = std::move(chosen.answer),
          .decoded = std::move(sources.decoded),
          .score = sources.score,
          .likelihoods = std::move(sources.likelihoods),
          .margin = sources.margin,
          .in_scope = in_scope,
          .note = std::move(note),
          .citations = std::move(sources.citations),
          .timings = std::move(sources.timings)};
}

std::string to_json(const AnswerRecord& record) {
  ordered_json line;
  line["id"] = record.id;
  line[record.form == QueryForm::kPrefix ? "prefix" : "question"] = record.text;
  line["answer"] = record.answer;
  line["decoded"] = record.decoded;
  line["score"] = record.score;
  if (!record.likelihoods.empty()) line["likelihoods"] = record.likelihoods;
  line["margin"] = record.margin ? ordered_json(*record.margin) : ordered_json(nullptr);
  line["in_scope"] = record.in_scope;
  if (!record.note.empty()) line["note"] = record.note;
  line["citations"] = ordered_json::array();
  for (const Citation& citation : record.citations) line["citations"].push_back(citation_json(citation));
  line["timings"] = record.timings;
  if (record.missing_virtual_shards > 0) line["missing_virtual_shards"] = record.missing_virtual_shards;
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

AnswerWriter::AnswerWriter(const std::filesystem::path& folder) : file_(make_answer_path(folder)) {}

void AnswerWriter::write(const AnswerRecord& record) { file_.write(to_json(record) + "\n"); }

std::string read_excerpt(const std::filesystem::path& document, std::uint64_t begin, std::uint64_t end) {
  try {
    const base::MappedFile file(document);
    const std::string_view text = file.text();
    if (begin > end || end > text.size()) {
      return "[no excerpt: bytes " + std::to_string(begin) + " to " + std::to_string(end) + " are not in " +
             document.string() + ", which has " + std::to_string(text.size()) + " bytes now]";
    }
    const std::string_view segment = text.substr(begin, end - begin);
    return std::string(cut(segment, kMostExcerptBytes));
  } catch (const base::Error& error) {
    return std::string("[no excerpt: ") + error.what() + "]";
  }
}

}  // namespace larimar::coordinator

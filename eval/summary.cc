#include "eval/summary.h"

#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "common/base/file.h"
#include "eval/results.h"

namespace larimar::eval {
namespace {

using nlohmann::ordered_json;

ordered_json recall_json(const Recall& recall) {
  if (recall.n == 0) return nullptr;
  return {{"hits", recall.hits}, {"recall", recall.value()}, {"low", recall.low()}, {"high", recall.high()}};
}

std::string recall_text(const Recall& recall) {
  if (recall.n == 0) return "-";
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%.2f (%zu/%zu, %.2f to %.2f)", recall.value(), recall.hits, recall.n,
                recall.low(), recall.high());
  return text.data();
}

std::string needle_text(const SummaryGroup& group) {
  return group.digits > 0 ? std::to_string(group.digits) + " digits" : group.kind;
}

}  // namespace

std::vector<SummaryGroup> summarize(std::span<const Row> rows, SummaryBy by) {
  using Key = std::tuple<std::string, std::string, int, std::uint64_t, std::string, std::string, double>;
  std::map<Key, SummaryGroup> groups;
  for (const Row& row : rows) {
    const double depth = by == SummaryBy::kCell ? row.depth : 0;
    const auto [entry, is_new] =
        groups.try_emplace({row.system.name, row.kind, row.digits, row.context_length, row.key_mode, row.form, depth});
    SummaryGroup& group = entry->second;
    if (is_new) {
      group.system = row.system.name;
      group.kind = row.kind;
      group.digits = row.digits;
      group.context_length = row.context_length;
      group.context_tokens = row.context.tokens;
      group.key_mode = row.key_mode;
      group.form = row.form;
      group.depth = depth;
    }
    group.score += row.score.value;  // the sum, until all are in
    if (row.system.retrieves) {
      group.retrieval_first.add(row.score.retrieval_first);
      group.retrieval_any.add(row.score.retrieval_any);
    }
    group.wording.add(row.score.wording);
    group.wording_any.add(row.score.wording_any);
  }
  std::vector<SummaryGroup> result;
  for (auto& entry : groups) {
    entry.second.score /= static_cast<double>(entry.second.wording.n);
    result.push_back(std::move(entry.second));
  }
  return result;
}

ordered_json to_json(std::span<const SummaryGroup> groups, SummaryBy by) {
  ordered_json list = ordered_json::array();
  for (const SummaryGroup& group : groups) {
    list.push_back({{"system", group.system},
                    {"kind", group.kind},
                    {"digits", group.digits},
                    {"context_length", group.context_length},
                    {"context_tokens", group.context_tokens},
                    {"key_mode", group.key_mode},
                    {"form", group.form},
                    {"n", group.wording.n},
                    {"score", group.score},
                    {"retrieval_first", recall_json(group.retrieval_first)},
                    {"retrieval_any", recall_json(group.retrieval_any)},
                    {"wording", recall_json(group.wording)},
                    {"wording_any", recall_json(group.wording_any)}});
    if (by == SummaryBy::kCell) list.back()["depth_percent"] = group.depth;
  }
  return list;
}

std::string to_markdown(std::span<const SummaryGroup> groups) {
  std::string text =
      "| needle | tokens | key mode | asked by | n | right segment first | right segment cited | right string in the "
      "answer | "
      "right string decoded |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const SummaryGroup& group : groups) {
    text += "| " + needle_text(group) + " | " + std::to_string(group.context_tokens) + " | " + group.key_mode + " | " +
            group.form + " | " + std::to_string(group.wording.n);
    for (const Recall* recall : {&group.retrieval_first, &group.retrieval_any, &group.wording, &group.wording_any}) {
      text += " | " + recall_text(*recall);
    }
    text += " |\n";
  }
  return text;
}

std::vector<SummaryGroup> write_summary(const std::filesystem::path& out) {
  const std::vector<Row> rows = read_results(out / "results.jsonl");
  std::vector<SummaryGroup> groups = summarize(rows);
  const ordered_json summary{{"groups", to_json(groups)},
                             {"cells", to_json(summarize(rows, SummaryBy::kCell), SummaryBy::kCell)}};
  base::write_file(out / "summary.json", summary.dump(2) + "\n");
  return groups;
}

}  // namespace larimar::eval

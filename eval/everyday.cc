#include "eval/everyday.h"

#include "common/base/error.h"
#include "eval/placement.h"
#include "eval/random.h"
#include "eval/results.h"

namespace larimar::eval {
namespace {

std::string describe_needles(const std::vector<Needle>& needles) {
  std::string text;
  for (const Needle& needle : needles) {
    for (const std::string& part :
         {needle.id, needle.text, needle.prefix, needle.prefix_answer, needle.question, needle.answer}) {
      text += part + "\n";
    }
  }
  return std::to_string(needles.size()) + " needles, hash " + std::to_string(hash_text(text));
}

/// The rows that the log lacks of one length and key mode.
std::vector<Row> missing_rows(const NeedleSet& set, const HiddenContext& context, const std::vector<double>& depths,
                              const std::string& place, const ResultLog& log) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < set.needles.size(); ++i) {
    for (const std::string& form : set.forms) {
      Row row = expect(set.needles[i], form);
      row.cell = place + "/" + set.needles[i].id + "/" + form;
      row.kind = set.name;
      row.depth = depths[i];
      row.placed = context.needles[i];
      if (!log.has(row.cell)) rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

EvalOutcome run_needle_set(const NeedleSet& set, const EvalSetup& setup, const AskFunction& ask,
                           const ProgressFunction& progress) {
  check_choices("key mode", set.key_modes, kKeyModes);
  check_choices("form", set.forms, kForms);
  if (set.lengths.empty() || set.needles.empty())
    throw base::UsageError("the set needs at least one length and one needle");
  nlohmann::json configuration = describe_setup(setup);
  configuration["task"] = set.name;
  configuration["needles"] = describe_needles(set.needles);
  ResultLog log(setup.out, configuration);
  const std::vector<Selection> selections = select_lengths(setup, set.lengths);
  const std::vector<double> depths = even_depths(set.needles.size());
  const std::size_t rows_per_call = set.needles.size() * set.forms.size();
  EvalOutcome outcome;
  outcome.rows = set.lengths.size() * set.key_modes.size() * rows_per_call;
  std::size_t done = 0;
  for (std::size_t i = 0; i < set.lengths.size(); ++i) {
    const std::string place = length_label(set.lengths[i]) + "/" + set.name;
    const HiddenContext context =
        hide_needles(selections[i].haystack, set.needles, depths, setup.out / "contexts" / place);
    for (const std::string& key_mode : set.key_modes) {
      std::vector<Row> rows = missing_rows(set, context, depths, place + "/" + key_mode, log);
      for (Row& row : rows) {
        row.context_length = set.lengths[i];
        row.context_tokens = selections[i].tokens;
      }
      outcome.asked += rows.size();
      if (!rows.empty()) ask_rows({place, context.documents, key_mode, {}}, std::move(rows), ask, log);
      done += rows_per_call;
      if (progress) progress({done, outcome.rows, place + "/" + key_mode});
    }
  }
  return outcome;
}

}  // namespace larimar::eval

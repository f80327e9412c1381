#include "eval/fact_task.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/placement.h"
#include "eval/random.h"
#include "eval/setup.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

std::string text_of(const json& record, const char* field) {
  const auto found = record.find(field);
  if (found == record.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  // zsRE lists its answers.
  return found->is_array() && !found->empty() && found->front().is_string() ? found->front().get<std::string>()
                                                                            : std::string();
}

EditableFact read_record(const json& record, const std::string& place) {
  if (record.is_object() && record.contains("prompt") && record.contains("target_new") &&
      record.contains("ground_truth"))
    return {text_of(record, "prompt"), text_of(record, "ground_truth"), text_of(record, "target_new"),
            text_of(record, "rephrase_prompt")};
  if (record.is_object() && record.contains("src") && record.contains("alt") && record.contains("answers"))
    return {text_of(record, "src"), text_of(record, "answers"), text_of(record, "alt"), text_of(record, "rephrase")};
  throw base::FormatError(place +
                          " is no fact to edit: it needs prompt, ground_truth and target_new, or src, answers and alt");
}

std::vector<EditableFact> draw(std::vector<EditableFact> facts, std::uint64_t count, std::uint64_t seed) {
  Random random(hash_text("facts/S" + std::to_string(seed)));
  for (std::size_t i = 0; i < count; ++i) std::swap(facts[i], facts[i + random.below(facts.size() - i)]);
  facts.resize(count);
  return facts;
}

std::string sentence(const EditableFact& fact, bool edited) {
  return fact.prompt + " " + (edited ? fact.after : fact.before) + ".";
}

enum class Phase { kWritten, kEdited, kForgotten };

bool is_changed(std::size_t fact, Phase phase) { return phase != Phase::kWritten && fact % 2 == 0; }

void ask(TaskTrial& trial, const EditableFact& fact, std::size_t number, Phase phase, const std::string& form,
         double depth) {
  TaskQuery query;
  query.name = "F" + std::to_string(number);
  query.form = form;
  query.prompt = form == "prefix" ? fact.prompt : fact.rephrased;
  query.depth = depth;
  const bool changed = is_changed(number, phase);
  if (changed && phase == Phase::kForgotten) {
    query.kind = "facts_forgotten";
    query.expected = {fact.before, fact.after};
    query.wanted = Wanted::kNone;
  } else {
    query.kind = phase == Phase::kWritten  ? "facts_written"
                 : changed                 ? "facts_edited"
                 : phase == Phase::kEdited ? "facts_kept"
                                           : "facts_retained";
    query.expected = {changed ? fact.after : fact.before};
    query.evidence = {trial.plants.size() - 1};
  }
  query.whole_words = true;
  trial.queries.push_back(std::move(query));
}

TaskTrial make_trial(const std::vector<EditableFact>& facts, Phase phase, const FactTaskOptions& options,
                     std::uint64_t seed) {
  const char* name = phase == Phase::kWritten ? "written" : phase == Phase::kEdited ? "edited" : "forgotten";
  TaskTrial trial;
  trial.name = "facts/N" + std::to_string(facts.size()) + "/S" + std::to_string(seed) + "/" + name;
  trial.kind = "facts";
  trial.seed = seed;
  const std::vector<double> depths = even_depths(facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const bool gone = phase == Phase::kForgotten && is_changed(i, phase);
    if (!gone) trial.plants.push_back({sentence(facts[i], is_changed(i, phase)), depths[i]});
    for (const std::string& form : options.forms) ask(trial, facts[i], i, phase, form, depths[i]);
  }
  return trial;
}

}  // namespace

std::vector<EditableFact> read_editable_facts(const fs::path& file) {
  const json list = json::parse(base::read_file(file), nullptr, false);
  if (!list.is_array()) throw base::FormatError(file.string() + " is not a JSON list of facts");
  std::vector<EditableFact> facts;
  std::set<std::string> prompts;
  for (std::size_t i = 0; i < list.size(); ++i) {
    EditableFact fact = read_record(list[i], file.string() + ", record " + std::to_string(i + 1));
    if (fact.prompt.empty() || fact.before.empty() || fact.after.empty() || fact.rephrased.empty()) continue;
    if (fact.before != fact.after && prompts.insert(fact.prompt).second) facts.push_back(std::move(fact));
  }
  if (facts.empty()) throw base::FormatError(file.string() + " holds no fact that could be edited");
  return facts;
}

Task fact_task(const FactTaskOptions& options) {
  check_choices("form", options.forms, kForms);
  const std::vector<EditableFact> all = read_editable_facts(options.file);
  if (options.facts < 2 || options.facts > all.size() || options.seeds == 0) {
    throw base::UsageError("the task needs 2 to " + std::to_string(all.size()) + " facts of " + options.file.string() +
                           " and at least one seed; " + std::to_string(options.facts) + " were asked for");
  }
  Task task{"facts", {{"facts", std::to_string(hash_text(base::read_file(options.file)))}}, {}};
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    const std::uint64_t seed = options.first_seed + i;
    const std::vector<EditableFact> facts = draw(all, options.facts, seed);
    for (const Phase phase : {Phase::kWritten, Phase::kEdited, Phase::kForgotten})
      task.trials.push_back(make_trial(facts, phase, options, seed));
  }
  return task;
}

}  // namespace larimar::eval

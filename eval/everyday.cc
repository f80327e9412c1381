#include "eval/everyday.h"

#include "common/base/error.h"
#include "eval/placement.h"
#include "eval/random.h"
#include "eval/runner.h"

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

}  // namespace

Task needle_task(const NeedleSet& set) {
  check_choices("form", set.forms, kForms);
  if (set.needles.empty()) throw base::UsageError("the set needs at least one length and one needle");
  const std::vector<double> depths = even_depths(set.needles.size());
  TaskTrial trial;
  trial.name = trial.kind = set.name;
  for (std::size_t i = 0; i < set.needles.size(); ++i) {
    trial.plants.push_back({set.needles[i].text, depths[i]});
    for (const std::string& form : set.forms) {
      TaskQuery& query = trial.queries.emplace_back(query_for(set.needles[i], form, i));
      query.name = set.needles[i].id;
      query.depth = depths[i];
    }
  }
  return {set.name, {{"needles", describe_needles(set.needles)}}, {std::move(trial)}};
}

EvalOutcome run_needle_set(const NeedleSet& set, const EvalSetup& setup, const AskFunction& ask,
                           const ProgressFunction& progress) {
  const Task task = needle_task(set);
  return run_tasks({&task, 1}, {set.lengths, set.key_modes}, setup, ask, progress);
}

}  // namespace larimar::eval

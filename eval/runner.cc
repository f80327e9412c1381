#include "eval/runner.h"

#include <algorithm>

#include "common/base/error.h"
#include "eval/context.h"
#include "eval/results.h"

namespace larimar::eval {
namespace {

void check_scope(std::span<const Task> tasks, const RunScope& scope) {
  check_choices("key mode", scope.key_modes, kKeyModes);
  const bool empty = std::ranges::any_of(tasks, [](const Task& task) { return task.trials.empty(); });
  if (scope.lengths.empty() || tasks.empty() || empty) {
    throw base::UsageError("the grid needs at least one length, depth, needle kind and seed");
  }
  if (scope.part && (scope.part->of == 0 || scope.part->number == 0 || scope.part->number > scope.part->of)) {
    throw base::UsageError("part " + std::to_string(scope.part->number) + "/" + std::to_string(scope.part->of) +
                           " is none: parts are numbered from 1/n to n/n");
  }
}

void add_units(std::vector<Unit>& units, std::span<const Task> tasks, std::size_t length, const std::string& key_mode,
               bool ready) {
  for (const Task& task : tasks) {
    for (const TaskTrial& trial : task.trials) {
      if (trial.document.empty() != ready) units.push_back({&task, &trial, length, key_mode});
    }
  }
}

/// Tasks on their way: the parts, and the log that rows go to.
struct Runner {
  const RunScope& scope;
  const EvalSetup& setup;
  const AskFunction& ask;
  ResultLog& log;
  const std::vector<Selection>& selections;
  ContextMaker contexts;

  /// Makes the unit's context and asks the queries whose rows are missing. Returns their number.
  std::size_t run_unit(const Unit& unit) {
    std::vector<Row> rows = rows_of(unit, scope);
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!log.has(rows[i].cell)) missing.push_back(i);
    }
    if (missing.empty()) return 0;
    const bool ready = !unit.trial->document.empty();
    const MadeContext context =
        ready ? contexts.ready(*unit.trial) : contexts.hide(*unit.trial, selections[unit.length], unit.place(scope));
    std::vector<Row> asked;
    for (const std::size_t i : missing) {
      Row& row = asked.emplace_back(std::move(rows[i]));
      row.context = context.facts;
      row.recipe = context.recipe;
      for (const std::size_t plant : unit.trial->queries[i].evidence) row.placed.push_back(context.placed[plant]);
    }
    ask_rows({unit.label(scope), context.documents, unit.key_mode, {}}, std::move(asked), setup, ask, log);
    return missing.size();
  }
};

}  // namespace

std::string Unit::place(const RunScope& scope) const {
  return (trial->document.empty() ? length_label(scope.lengths[length]) + "/" : std::string()) + trial->name;
}

std::string Unit::label(const RunScope& scope) const { return place(scope) + "/" + key_mode; }

std::string results_name(const std::optional<Part>& part) {
  if (!part) return "results.jsonl";
  return "results.part-" + std::to_string(part->number) + "-of-" + std::to_string(part->of) + ".jsonl";
}

std::vector<Unit> list_units(std::span<const Task> tasks, const RunScope& scope) {
  check_scope(tasks, scope);
  std::vector<Unit> all;
  for (std::size_t i = 0; i < scope.lengths.size(); ++i) {
    for (const std::string& key_mode : scope.key_modes) add_units(all, tasks, i, key_mode, false);
  }
  for (const std::string& key_mode : scope.key_modes) add_units(all, tasks, 0, key_mode, true);
  if (scope.limit > 0 && all.size() > scope.limit) all.resize(scope.limit);
  if (!scope.part) return all;
  std::vector<Unit> mine;
  for (std::size_t i = scope.part->number - 1; i < all.size(); i += scope.part->of) mine.push_back(std::move(all[i]));
  return mine;
}

std::vector<Row> rows_of(const Unit& unit, const RunScope& scope) {
  const TaskTrial& trial = *unit.trial;
  std::vector<Row> rows;
  for (const TaskQuery& query : trial.queries) {
    Row& row = rows.emplace_back();
    row.cell = unit.label(scope) + "/" + (query.name.empty() ? "" : query.name + "/") + query.form;
    row.kind = query.kind.empty() ? trial.kind : query.kind;
    row.digits = trial.digits;
    row.context_length = trial.document.empty() ? scope.lengths[unit.length] : trial.document_length;
    row.depth = query.depth;
    row.seed = trial.seed;
    row.key_mode = unit.key_mode;
    row.form = query.form;
    row.prompt = query.prompt;
    row.expected = query.expected;
    row.whole_words = query.whole_words;
    row.wanted = query.wanted;
  }
  return rows;
}

nlohmann::json describe_run(std::span<const Task> tasks, const EvalSetup& setup) {
  nlohmann::json configuration = describe_setup(setup);
  for (const Task& task : tasks) {
    if (tasks.size() == 1) {
      configuration["task"] = task.name;
      if (task.description.is_object()) configuration.update(task.description);
    } else {
      configuration["tasks"][task.name] = task.description;
    }
  }
  return configuration;
}

EvalOutcome run_tasks(std::span<const Task> tasks, const RunScope& scope, const EvalSetup& setup,
                      const AskFunction& ask, const ProgressFunction& progress) {
  const std::vector<Unit> units = list_units(tasks, scope);
  const bool needs_haystack = std::ranges::any_of(units, [](const Unit& u) { return u.trial->document.empty(); });
  if (needs_haystack && setup.haystack.empty())
    throw base::UsageError("no haystack: give --haystack a folder, a file, - or generate:SEED");
  ResultLog log(setup.out, describe_run(tasks, setup), results_name(scope.part));
  std::vector<Selection> selections;
  if (needs_haystack) selections = select_lengths(setup, scope.lengths);
  Runner runner{scope, setup, ask, log, selections, ContextMaker(setup)};
  EvalOutcome outcome;
  for (const Unit& unit : units) outcome.rows += unit.trial->queries.size();
  std::size_t done = 0;
  if (progress) progress({0, outcome.rows, ""});
  for (const Unit& unit : units) {
    outcome.asked += runner.run_unit(unit);
    done += unit.trial->queries.size();
    if (progress) progress({done, outcome.rows, unit.label(scope)});
  }
  return outcome;
}

}  // namespace larimar::eval

#pragma once
// The one runner of all tasks: lengths x key modes x trials, what is missing of them.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/setup.h"
#include "eval/task.h"
#include "eval/trial.h"

namespace larimar::eval {

/// A share of the work: part `number` of `of`, from 1.
struct Part {
  std::uint64_t number = 1;
  std::uint64_t of = 1;
};

/// What of a task is run.
struct RunScope {
  std::vector<std::uint64_t> lengths = {0};  // tokens; 0: the whole haystack
  std::vector<std::string> key_modes = {"prefix"};
  std::optional<Part> part{};  // rows go to results.part-N-of-M.jsonl
  std::uint64_t limit = 0;     // trials at most, the first ones; 0: all
};

/// One call of the system under test: a trial at a length, with one kind of write keys. Refers into its task.
struct Unit {
  const Task* task = nullptr;
  const TaskTrial* trial = nullptr;
  std::size_t length = 0;  // index into RunScope::lengths; of no meaning for a ready document
  std::string key_mode{};

  /// "L1000/passkey_5/D50/S1": names the context.
  [[nodiscard]] std::string place(const RunScope& scope) const;
  /// "L1000/passkey_5/D50/S1/prefix": what cells of the unit's rows begin with.
  [[nodiscard]] std::string label(const RunScope& scope) const;
};

/// Units of the tasks in the order they are run: lengths, then key modes, then trials; ready documents come once for each
/// key mode. Part i of n has every n-th unit. `tasks` must outlive the result.
/// Throws UsageError for an empty axis, a key mode that does not exist, or a part outside 1 to n.
[[nodiscard]] std::vector<Unit> list_units(std::span<const Task> tasks, const RunScope& scope);

/// The rows of a unit, without an answer: name, expected strings and prompt of each query.
[[nodiscard]] std::vector<Row> rows_of(const Unit& unit, const RunScope& scope);

/// What decides rows beside their cells: the setup and the tasks' descriptions. Throws as describe_setup.
[[nodiscard]] nlohmann::json describe_run(std::span<const Task> tasks, const EvalSetup& setup);

/// Runs what is missing. One unit makes one context and one call of `ask`, which serves all of its queries.
/// Throws as list_units; ConfigError for results of another configuration, before any work, a haystack too short or a
/// needle too long for it; whatever `ask` throws; Error(kInternal) if `ask` leaves a query unanswered. Rows written
/// before stay.
EvalOutcome run_tasks(std::span<const Task> tasks, const RunScope& scope, const EvalSetup& setup,
                      const AskFunction& ask, const ProgressFunction& progress);

/// "results.jsonl", or "results.part-2-of-8.jsonl".
[[nodiscard]] std::string results_name(const std::optional<Part>& part);

}  // namespace larimar::eval

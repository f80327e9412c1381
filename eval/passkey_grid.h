#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "eval/needles.h"
#include "eval/runner.h"
#include "eval/setup.h"
#include "eval/task.h"
#include "eval/trial.h"

namespace larimar::eval {

/// One needle in each trial: kinds x seeds x depths, each asked in every form. The key of a trial depends on kind, depth and
/// seed alone, so that lengths and key modes are compared on equal keys. `wording` names the sentences around the key:
///   essay       "The pass key is <key>.", as the papers on essays as haystacks hide it
///   literature  the scheme of Mohtashami and Jaggi: a task line at the beginning, a line that states the key twice, and the
///               question at the end; meant for the haystack generate:literature
/// Throws UsageError as check_axes and for an unknown wording or no kind.
[[nodiscard]] Task passkey_task(const TaskAxes& axes, const std::vector<NeedleKind>& kinds,
                                const std::string& wording = "essay");

/// Lengths x key modes x kinds x seeds x depths.
struct PasskeyGrid {
  std::vector<std::uint64_t> lengths = {0};  // tokens; 0: the whole haystack
  std::vector<double> depths = {0, 25, 50, 75, 100};
  std::vector<NeedleKind> kinds;
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1;  // trials at each depth, with other keys
  std::vector<std::string> key_modes = {"prefix"};
  std::vector<std::string> forms = {"prefix"};  // "prefix", "question"
};

/// Runs what is missing of passkey_task with the essay wording. Throws as passkey_task and run_tasks.
EvalOutcome run_passkey_grid(const PasskeyGrid& grid, const EvalSetup& setup, const AskFunction& ask,
                             const ProgressFunction& progress);

}  // namespace larimar::eval

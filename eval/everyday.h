#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "eval/needles.h"
#include "eval/setup.h"
#include "eval/task.h"
#include "eval/trial.h"

namespace larimar::eval {

/// Needles that live in one haystack together, each asked in every form.
struct NeedleSet {
  std::string name = "everyday";  // kind of the rows
  std::vector<Needle> needles;
  std::vector<std::uint64_t> lengths = {0};  // tokens; 0: the whole haystack
  std::vector<std::string> key_modes = {"prefix"};
  std::vector<std::string> forms = {"prefix", "question"};
};

/// The set as a task: one trial that hides all needles at even depths from 0 to 100 % in file order.
/// Throws UsageError for an empty set or a form that does not exist.
[[nodiscard]] Task needle_task(const NeedleSet& set);

/// Hides all needles at even depths from 0 to 100 % in file order, and asks what is missing: one call of `ask` for each
/// length and key mode, with needles x forms queries. The manifest names the set by content.
/// Throws as run_passkey_grid does; UsageError for an empty set.
EvalOutcome run_needle_set(const NeedleSet& set, const EvalSetup& setup, const AskFunction& ask,
                           const ProgressFunction& progress);

}  // namespace larimar::eval

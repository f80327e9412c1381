#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "eval/needles.h"
#include "eval/setup.h"
#include "eval/trial.h"

namespace larimar::eval {

/// Lengths x key modes x kinds x seeds x depths, each asked in every form.
struct PasskeyGrid {
  std::vector<std::uint64_t> lengths = {0};  // tokens; 0: the whole haystack
  std::vector<double> depths = {0, 25, 50, 75, 100};
  std::vector<NeedleKind> kinds;
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1;  // trials at each depth, with other keys
  std::vector<std::string> key_modes = {"prefix"};
  std::vector<std::string> forms = {"prefix"};  // "prefix", "question"
};

/// Runs what is missing of the grid. One trial hides one needle, and one call of `ask` serves all of its forms.
/// The key of a trial depends on kind, depth and seed alone, so that lengths and key modes are compared on equal keys.
/// Throws UsageError for a depth, form or key mode that does not exist or an empty axis, ConfigError for results of
/// another configuration, a haystack too short or a needle too long for it; whatever `ask` throws; Error(kInternal) if
/// `ask` leaves a query unanswered. Rows written before stay.
EvalOutcome run_passkey_grid(const PasskeyGrid& grid, const EvalSetup& setup, const AskFunction& ask,
                             const ProgressFunction& progress);

}  // namespace larimar::eval

#include "eval/passkey_grid.h"

#include <array>
#include <cstdio>
#include <string>

#include "common/base/error.h"
#include "eval/placement.h"
#include "eval/random.h"
#include "eval/results.h"

namespace larimar::eval {
namespace {

/// One hidden needle: everything of a cell but length, key mode and form.
struct Hiding {
  NeedleKind kind;
  std::uint64_t seed = 0;
  double depth = 0;

  [[nodiscard]] std::string name() const {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.6g", depth);
    return kind.label() + "/D" + text.data() + "/S" + std::to_string(seed);
  }
};

void check_grid(const PasskeyGrid& grid) {
  check_choices("key mode", grid.key_modes, kKeyModes);
  check_choices("form", grid.forms, kForms);
  if (grid.lengths.empty() || grid.depths.empty() || grid.kinds.empty() || grid.seeds == 0) {
    throw base::UsageError("the grid needs at least one length, depth, needle kind and seed");
  }
  for (const double depth : grid.depths) {
    if (!(depth >= 0 && depth <= 100))
      throw base::UsageError("depth " + std::to_string(depth) + " is outside 0 to 100 percent");
  }
}

std::vector<Hiding> list_hidings(const PasskeyGrid& grid) {
  std::vector<Hiding> hidings;
  for (const NeedleKind& kind : grid.kinds) {
    for (std::uint64_t i = 0; i < grid.seeds; ++i) {
      for (const double depth : grid.depths) hidings.push_back({kind, grid.first_seed + i, depth});
    }
  }
  return hidings;
}

/// A grid on its way: its parts, and the log that its rows go to.
struct GridRun {
  const PasskeyGrid& grid;
  const EvalSetup& setup;
  const AskFunction& ask;
  ResultLog& log;

  /// Hides a needle and asks the forms whose rows are missing. Returns their number.
  std::size_t run_trial(const Hiding& hiding, std::uint64_t length, const Selection& selection,
                        const std::string& key_mode) {
    const std::string place = length_label(length) + "/" + hiding.name();
    const Needle needle = draw_needle(hiding.kind, hash_text(hiding.name()));
    std::vector<Row> rows;
    for (const std::string& form : grid.forms) {
      Row row = expect(needle, form);
      row.cell = place + "/" + key_mode + "/" + form;
      if (log.has(row.cell)) continue;
      row.kind = hiding.kind.name;
      row.digits = hiding.kind.digits;
      row.context_length = length;
      row.context_tokens = selection.tokens;
      row.depth = hiding.depth;
      row.seed = hiding.seed;
      rows.push_back(std::move(row));
    }
    if (rows.empty()) return 0;
    const HiddenContext context =
        hide_needles(selection.haystack, {&needle, 1}, {&hiding.depth, 1}, setup.out / "contexts" / place);
    for (Row& row : rows) row.placed = context.needles.front();
    const std::size_t asked = rows.size();
    ask_rows({place, context.documents, key_mode, {}}, std::move(rows), ask, log);
    return asked;
  }
};

}  // namespace

EvalOutcome run_passkey_grid(const PasskeyGrid& grid, const EvalSetup& setup, const AskFunction& ask,
                             const ProgressFunction& progress) {
  check_grid(grid);
  nlohmann::json configuration = describe_setup(setup);
  configuration["task"] = "passkey";
  ResultLog log(setup.out, configuration);
  const std::vector<Selection> selections = select_lengths(setup, grid.lengths);
  const std::vector<Hiding> hidings = list_hidings(grid);
  GridRun run{grid, setup, ask, log};
  EvalOutcome outcome;
  outcome.rows = grid.lengths.size() * grid.key_modes.size() * hidings.size() * grid.forms.size();
  std::size_t done = 0;
  for (std::size_t i = 0; i < grid.lengths.size(); ++i) {
    for (const std::string& key_mode : grid.key_modes) {
      for (const Hiding& hiding : hidings) {
        outcome.asked += run.run_trial(hiding, grid.lengths[i], selections[i], key_mode);
        done += grid.forms.size();
        if (progress) progress({done, outcome.rows, hiding.name() + "/" + key_mode});
      }
    }
  }
  return outcome;
}

}  // namespace larimar::eval

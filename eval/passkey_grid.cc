#include "eval/passkey_grid.h"

#include "common/base/error.h"
#include "eval/random.h"

namespace larimar::eval {
namespace {

constexpr const char* kTaskLine =
    "Somewhere in a lot of text that does not matter there is one thing worth knowing. Look for it and keep it in "
    "mind, "
    "for you will be asked about it.";

/// The needle in the wording of the literature: the key is stated twice, and the question ends where the key follows.
Needle in_literature_wording(Needle needle) {
  needle.text = "The pass key is " + needle.answer + ". Keep it in mind. " + needle.answer + " is the pass key.";
  needle.question = "What is the pass key? The pass key is";
  return needle;
}

TaskTrial make_trial(const NeedleKind& kind, double depth, std::uint64_t seed, const TaskAxes& axes, bool literature) {
  TaskTrial trial;
  const std::string place = kind.label() + "/" + place_label(depth, seed);
  trial.name = (literature ? "literature/" : "") + place;
  trial.kind = kind.name;
  trial.digits = kind.digits;
  trial.seed = seed;
  Needle needle = draw_needle(kind, hash_text(place));
  if (literature && kind.name != kSanFrancisco) needle = in_literature_wording(needle);
  if (literature) trial.plants.push_back({kTaskLine, 0});
  trial.plants.push_back({needle.text, depth});
  for (const std::string& form : axes.forms) {
    trial.queries.push_back(query_for(needle, form, trial.plants.size() - 1));
    trial.queries.back().depth = depth;
  }
  return trial;
}

}  // namespace

Task passkey_task(const TaskAxes& axes, const std::vector<NeedleKind>& kinds, const std::string& wording) {
  check_axes(axes);
  check_choices("wording", {wording}, {"essay", "literature"});
  if (kinds.empty()) throw base::UsageError("the grid needs at least one length, depth, needle kind and seed");
  Task task{"passkey", nullptr, {}};
  const bool literature = wording == "literature";
  if (literature) task.description = {{"wording", wording}};
  for (const NeedleKind& kind : kinds) {
    for (std::uint64_t i = 0; i < axes.seeds; ++i) {
      for (const double depth : axes.depths)
        task.trials.push_back(make_trial(kind, depth, axes.first_seed + i, axes, literature));
    }
  }
  return task;
}

EvalOutcome run_passkey_grid(const PasskeyGrid& grid, const EvalSetup& setup, const AskFunction& ask,
                             const ProgressFunction& progress) {
  const Task task = passkey_task({grid.depths, grid.first_seed, grid.seeds, grid.forms}, grid.kinds);
  return run_tasks({&task, 1}, {grid.lengths, grid.key_modes}, setup, ask, progress);
}

}  // namespace larimar::eval

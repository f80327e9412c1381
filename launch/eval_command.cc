#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/interrupt.h"
#include "common/base/process.h"
#include "common/base/progress.h"
#include "common/comm/agree.h"
#include "eval/haystack.h"
#include "eval/placement.h"
#include "eval/plan.h"
#include "eval/presets.h"
#include "eval/run_file.h"
#include "eval/runner.h"
#include "eval/summary.h"
#include "launch/baseline.h"
#include "launch/commands.h"
#include "launch/eval_answers.h"
#include "launch/job.h"
#include "launch/model_ids.h"
#include "launch/standard_input.h"

namespace larimar::launch {
namespace {

// Keeps what the last job cost, for the summary: peak memory and time do not stand in the rows.
struct LastJob {
  coordinator::RunReport report;
  std::uint64_t jobs = 0;
};

eval::AskFunction make_ask(Job& job, LastJob& last) {
  return [&job, &last](const eval::Trial& trial) {
    JobRequest request{trial.context, trial.key_mode, {}};
    for (const eval::Query& query : trial.queries) request.queries.push_back(to_query(query));
    JobResult result = job.run(request);
    // The first job encodes everything; later ones find most blocks in the cache and would say less.
    if (last.jobs++ == 0) {
      last.report = std::move(result.report);
      last.report.queries.answered = result.answers.size();
    }
    std::vector<eval::Answer> answers;
    for (const auto& record : result.answers) answers.push_back(to_answer(record));
    return answers;
  };
}

nlohmann::json cost_of(const coordinator::RunReport& report) {
  nlohmann::json cost{{"queries", report.queries.answered},
                      {"segments", report.context.segments},
                      {"tokens", report.context.tokens},
                      {"bytes", report.context.bytes}};
  for (const auto& phase : report.phases) cost["seconds"][phase.name] = phase.value;
  for (const auto& phase : report.tokens_per_second) cost["tokens_per_second"][phase.name] = phase.value;
  for (const auto& rank : report.ranks) {
    cost["ranks"].push_back(
        {{"rank", rank.rank}, {"roles", rank.roles}, {"peak_memory_bytes", rank.peak_memory_bytes}});
  }
  return cost;
}

// Rank 0 drives; the others serve until it is done, also when it ends by an error about the evaluation itself.
template <class Drive>
int run_eval(comm::Transport& transport, Session& session, JobSetup setup, const std::filesystem::path& out,
             const Drive& drive) {
  setup.cache = true;
  setup.quiet = true;
  Job job(transport, session, setup);
  int code = 0;
  if (transport.rank() != 0) {
    job.serve();
    comm::agree(transport, nullptr);
    return code;
  }
  LastJob last;
  try {
    code = drive(job, make_ask(job, last));
    if (last.jobs > 0) base::write_file(out / "first_job.json", cost_of(last.report).dump(2) + "\n");
  } catch (const comm::AgreedError&) {
    throw;  // the others have it too and have left
  } catch (const base::CommError&) {
    throw;
  } catch (const base::Error& error) {
    job.stop();
    comm::agree(transport, &error);
  }
  job.stop();
  comm::agree(transport, nullptr);
  return code;
}

// Where text comes from, and what rows say whoever answers. `tokenizer` must outlive the result.
eval::EvalSetup make_setup(const eval::RunSpec& spec, const text::Tokenizer& tokenizer) {
  eval::EvalSetup setup;
  setup.haystack = spec.haystack;
  setup.filler = spec.filler;
  setup.repeat = spec.repeat;
  setup.piece_bytes = spec.piece_bytes;
  setup.out = spec.out;
  setup.tokenizer = &tokenizer;
  setup.run_file = spec.content;
  return setup;
}

void complete_row_system(eval::EvalSetup& setup, const eval::RunSpec& spec, const EvalCommand& command) {
  if (!spec.system_name.empty()) setup.row_system.name = spec.system_name;
  setup.row_system.tokenizer = command.length_tokenizer.empty() ? "model" : command.length_tokenizer.string();
  setup.row_system.run_name = spec.name;
}

// What of the memory's setup decides its answers.
nlohmann::json describe_memory(const JobSetup& setup) {
  nlohmann::json system = to_json(setup);
  for (const char* local : {"model", "keys_folder", "key_table", "patience", "threads", "decoders", "key_mode"})
    system.erase(local);
  if (setup.keys == "static") system["keys_id"] = keys_id(setup);
  if (needs_language(setup) || !setup.decoder_model.empty()) system["language_model"] = language_id(setup);
  if (!setup.decoder_model.empty()) system["decoder_model"] = decoder_id(setup);
  return system;
}

std::unique_ptr<const text::Tokenizer> load_counter(const EvalCommand& command) {
  return command.length_tokenizer.empty() ? nullptr : text::load_tokenizer(command.length_tokenizer);
}

class Shown {
 public:
  eval::ProgressFunction function() {
    return [this](const eval::Progress& state) {
      if (!progress_) progress_.emplace("trials", state.total, "rows");
      progress_->set(state.done);
    };
  }
  void finish() {
    if (progress_) progress_->finish();
  }

 private:
  std::optional<base::Progress> progress_;
};

int show_summary(const std::filesystem::path& out, const EvalCommand& command) {
  const std::vector<eval::SummaryGroup> groups = eval::write_summary(out);
  std::cout << eval::to_markdown(groups) << std::flush;
  double least = 1.0;
  for (const eval::SummaryGroup& group : groups) least = std::min(least, group.wording.value());
  return least < command.fail_under ? static_cast<int>(base::ExitCode::kBelowThreshold) : 0;
}

// The command line as a run file would say it.
eval::RunSpec spec_of(const EvalCommand& command) {
  eval::RunSpec spec;
  spec.name = command.preset.name;
  spec.haystack = command.haystack;
  spec.filler = command.filler;
  spec.repeat = command.beyond == "repeat";
  spec.piece_bytes = command.piece_bytes;
  spec.scope.lengths = command.lengths;
  spec.scope.key_modes = command.key_modes;
  eval::Preset preset = command.preset;
  if (command.depth_count > 0) {
    preset.axes.depths = eval::even_depths(command.depth_count);
  } else if (!command.depths.empty()) {
    preset.axes.depths = eval::parse_values(command.depths);
  }
  const bool literature = preset.name == "passkey" && preset.wording == "literature";
  if (literature && spec.haystack.empty()) spec.haystack = eval::kLiteratureHaystack;
  spec.tasks = {std::move(preset)};
  return spec;
}

void check_system(const EvalCommand& command) {
  if (command.window > 0 && command.system != kFullContextSystem) {
    throw base::ConfigError("--window is for --system full-context; " + command.system +
                            " reads segments, of which --reads says how many");
  }
}

eval::RunSpec resolve_spec(const EvalCommand& command) {
  eval::RunSpec spec = command.run_file.empty() ? spec_of(command) : eval::read_run_file(command.run_file);
  if (spec.out.empty()) spec.out = command.out;
  if (!command.system_name.empty()) spec.system_name = command.system_name;
  spec.scope.part = command.part.empty() ? eval::part_from_environment() : eval::parse_part(command.part);
  spec.scope.limit = command.limit;
  return spec;
}

std::vector<eval::Task> make_tasks(const eval::RunSpec& spec) {
  std::vector<eval::Task> tasks;
  for (const eval::Preset& preset : spec.tasks) tasks.push_back(eval::make_task(preset));
  return tasks;
}

void show_plan(const eval::RunSpec& spec, const EvalCommand& command, int ranks) {
  const std::vector<eval::Task> tasks = make_tasks(spec);
  double whole = 0;  // bytes; only a folder or a file can be taken whole
  if (std::ranges::find(spec.scope.lengths, 0U) != spec.scope.lengths.end() && !spec.haystack.empty() &&
      spec.haystack != kStandardInput && !eval::parse_generator(spec.haystack.string()))
    whole = static_cast<double>(eval::list_haystack(spec.haystack).bytes());
  const int shards = static_cast<int>(wire::plan_roles(ranks, command.setup.decoders).shards());
  const auto tokens = static_cast<std::uint64_t>(whole / eval::kPlanRates.bytes_per_token);
  std::string text = eval::to_text(eval::plan_run(tasks, spec.scope, tokens, shards), ranks);
  // Time and memory are estimated from the memory's own rates.
  if (command.system != kMemorySystem) text.resize(text.find('\n') + 1);
  std::cout << text << std::flush;
}

int measure(const eval::RunSpec& spec, const EvalCommand& command, const eval::EvalSetup& setup,
            const eval::AskFunction& ask) {
  const std::vector<eval::Task> tasks = make_tasks(spec);
  Shown shown;
  eval::run_tasks(tasks, spec.scope, setup, ask, shown.function());
  shown.finish();
  // A part's rows are summed up once they are merged.
  return spec.scope.part ? 0 : show_summary(spec.out, command);
}

int eval_memory(comm::Transport& transport, Session& session, const eval::RunSpec& spec, const EvalCommand& command) {
  return run_eval(transport, session, command.setup, spec.out, [&](Job& job, const eval::AskFunction& ask) {
    const auto counter = load_counter(command);
    eval::EvalSetup setup = make_setup(spec, counter ? *counter : job.tokenizer());
    setup.system = describe_memory(job.setup());
    setup.row_system.model = job.setup().model.filename().string();
    setup.row_system.language = language_of(job.setup());
    setup.row_system.ranks = transport.size();
    complete_row_system(setup, spec, command);
    return measure(spec, command, setup, ask);
  });
}

// The same file as of the memory, from one trial of a system in one process.
struct FirstTrial {
  std::uint64_t tokens = 0, bytes = 0, queries = 0;
  double seconds = 0;
};

eval::AskFunction noting_first(const eval::AskFunction& ask, const text::Tokenizer& tokenizer, FirstTrial& first) {
  return [&ask, &tokenizer, &first](const eval::Trial& trial) {
    const base::Stopwatch watch;
    std::vector<eval::Answer> answers = ask(trial);
    if (first.queries > 0) return answers;
    first.seconds = watch.seconds();
    first.queries = answers.size();
    eval::TokenCounter counter(tokenizer);
    for (const std::filesystem::path& path : trial.context) {
      const std::uint64_t bytes = std::filesystem::file_size(path);
      first.bytes += bytes;
      first.tokens += counter.count({path, bytes});
    }
    return answers;
  };
}

void write_cost(const FirstTrial& first, const EvalCommand& command, const std::filesystem::path& out) {
  if (first.queries == 0) return;
  const nlohmann::json rank{{"rank", 0}, {"roles", {command.system}}, {"peak_memory_bytes", base::peak_memory_bytes()}};
  const nlohmann::json cost{{"queries", first.queries},
                            {"tokens", first.tokens},
                            {"bytes", first.bytes},
                            {"seconds", {{"answer", first.seconds}}},
                            {"ranks", nlohmann::json::array({rank})}};
  base::write_file(out / "first_job.json", cost.dump(2) + "\n");
}

int eval_baseline(comm::Transport& transport, const eval::RunSpec& spec, const EvalCommand& command) {
  const Baseline baseline =
      comm::together(transport, [&] { return load_baseline(command, spec.scope.key_modes.size(), transport.size()); });
  const auto counter = load_counter(command);
  eval::EvalSetup setup = make_setup(spec, counter ? *counter : *baseline.tokenizer);
  setup.system = baseline.description;
  setup.row_system = baseline.row;
  complete_row_system(setup, spec, command);
  FirstTrial first;
  const int code = measure(spec, command, setup, noting_first(baseline.ask, *setup.tokenizer, first));
  write_cost(first, command, spec.out);
  return code;
}

}  // namespace

int eval_command(comm::Transport& transport, Session& session, const EvalCommand& command) {
  // All ranks read the same options and files; an error is the same on all of them.
  comm::together(transport, [&] { check_system(command); });
  eval::RunSpec spec = comm::together(transport, [&] { return resolve_spec(command); });
  if (command.dry_run) {
    comm::together(transport, [&] {
      if (transport.rank() == 0) show_plan(spec, command, transport.size());
    });
    return 0;
  }
  const base::InterruptScope interruptible;  // rows that are written stay
  std::vector<std::filesystem::path> haystack{spec.haystack};
  spool_standard_input(transport, session, spec.out / "contexts", haystack);
  spec.haystack = haystack.front();
  return command.system == kMemorySystem ? eval_memory(transport, session, spec, command)
                                         : eval_baseline(transport, spec, command);
}

}  // namespace larimar::launch

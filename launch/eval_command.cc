#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/file.h"
#include "common/base/progress.h"
#include "common/comm/agree.h"
#include "eval/everyday.h"
#include "eval/needle_file.h"
#include "eval/passkey_grid.h"
#include "eval/placement.h"
#include "eval/summary.h"
#include "launch/commands.h"
#include "launch/job.h"

namespace larimar::launch {
namespace {

coordinator::Query to_query(const eval::Query& query) {
  const bool prefix = !query.prefix.empty();
  return {query.id, prefix ? coordinator::QueryForm::kPrefix : coordinator::QueryForm::kQuestion,
          prefix ? query.prefix : query.question, 0};
}

eval::Answer to_answer(const coordinator::AnswerRecord& record) {
  eval::Answer answer{
      record.id, record.answer, record.decoded, record.score, record.margin.value_or(0.0), record.in_scope, {}};
  for (const auto& cited : record.citations) {
    answer.citations.push_back({cited.document, cited.byte_begin, cited.byte_end, cited.line, cited.excerpt,
                                cited.segment, cited.shard, cited.weight});
  }
  return answer;
}

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
int run_eval(comm::Transport& transport, JobSetup setup, const std::filesystem::path& out, const Drive& drive) {
  setup.cache = true;
  setup.quiet = true;
  Job job(transport, setup);
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

eval::EvalSetup make_setup(const EvalCommand& command, const Job& job) {
  eval::EvalSetup setup;
  setup.haystack = command.haystack;
  setup.filler = command.filler;
  setup.out = command.out;
  setup.tokenizer = &job.tokenizer();
  setup.system = to_json(job.setup());
  for (const char* local : {"model", "keys_folder", "patience", "threads", "decoders", "key_mode"})
    setup.system.erase(local);
  return setup;
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

int show_summary(const EvalCommand& command) {
  const std::vector<eval::SummaryGroup> groups = eval::write_summary(command.out);
  std::cout << eval::to_markdown(groups) << std::flush;
  double least = 1.0;
  for (const eval::SummaryGroup& group : groups) least = std::min(least, group.wording.value());
  return least < command.fail_under ? static_cast<int>(base::ExitCode::kBelowThreshold) : 0;
}

}  // namespace

int eval_passkey_command(comm::Transport& transport, const EvalCommand& command) {
  return run_eval(transport, command.setup, command.out, [&](Job& job, const eval::AskFunction& ask) {
    eval::PasskeyGrid grid;
    grid.lengths = command.lengths;
    if (command.depth_count > 0)
      grid.depths = eval::even_depths(command.depth_count);
    else if (!command.depths.empty())
      grid.depths = command.depths;
    for (const std::string& kind : command.kinds) grid.kinds.push_back(eval::parse_needle_kind(kind));
    grid.seeds = command.seeds;
    grid.key_modes = command.key_modes;
    grid.forms = command.forms;
    Shown shown;
    eval::run_passkey_grid(grid, make_setup(command, job), ask, shown.function());
    shown.finish();
    return show_summary(command);
  });
}

int eval_needles_command(comm::Transport& transport, const EvalCommand& command) {
  return run_eval(transport, command.setup, command.out, [&](Job& job, const eval::AskFunction& ask) {
    eval::NeedleSet set;
    set.name = command.needles.stem().string();
    set.needles = eval::load_needles(command.needles);
    set.lengths = command.lengths;
    set.key_modes = command.key_modes;
    set.forms = command.forms;
    Shown shown;
    eval::run_needle_set(set, make_setup(command, job), ask, shown.function());
    shown.finish();
    return show_summary(command);
  });
}

}  // namespace larimar::launch

#include "common/base/log.h"
#include "common/comm/agree.h"
#include "launch/commands.h"
#include "launch/job.h"
#include "launch/report.h"

namespace larimar::launch {
namespace {

int run_as_coordinator(comm::Transport& transport, Session& session, const RunCommand& command,
                       coordinator::RunReport& report) {
  // Everything that can be refused is, before the work.
  const coordinator::QueryFile file =
      comm::together(transport, [&] { return read_all_queries(command.queries, command.query); });
  report.queries = {file.queries.size() + file.bad.size(), 0, file.bad};
  Job job(transport, session, command.setup);
  report.config = to_json(job.setup());
  base::log(base::LogLevel::kInfo, "keys: " + job.setup().keys + ", model: " + job.setup().model.string() + ", " +
                                       std::to_string(job.roles().shards()) + " shards on " +
                                       std::to_string(transport.size()) + " ranks");
  JobResult result = job.run({command.context, command.setup.key_mode, file.queries, &session.answers});
  report.config = to_json(job.setup());
  report.ranks = std::move(result.report.ranks);
  report.phases = std::move(result.report.phases);
  report.context = result.report.context;
  report.tokens_per_second = std::move(result.report.tokens_per_second);
  report.shards = std::move(result.report.shards);
  report.missing = std::move(result.report.missing);
  report.queries.answered = result.answers.size();
  report.error.clear();
  report.exit_code = file.bad.empty() ? base::ExitCode::kOk : base::ExitCode::kDegraded;
  if (report.context.repaired_bytes > 0) {
    base::log(base::LogLevel::kWarning,
              std::to_string(report.context.repaired_bytes) +
                  " bytes of the context are not valid UTF-8 and were read as '?'; --strict refuses them");
  }
  job.stop();
  comm::together(transport, [&] { write_answers(command.out, result.answers); });
  session.say_at_end([answers = std::move(result.answers), json = command.json] { print_answers(answers, json); });
  return static_cast<int>(report.exit_code);
}

int run_as_other(comm::Transport& transport, Session& session, const RunCommand& command) {
  comm::together(transport, [] {});
  Job job(transport, session, command.setup);
  job.serve();
  comm::together(transport, [] {});
  return 0;
}

}  // namespace

int run_command(comm::Transport& transport, Session& session, const RunCommand& command) {
  return with_run_report(transport, session, command.out, command.setup, command.command_line,
                         [&](coordinator::RunReport& report) {
                           return transport.rank() == 0 ? run_as_coordinator(transport, session, command, report)
                                                        : run_as_other(transport, session, command);
                         });
}

}  // namespace larimar::launch

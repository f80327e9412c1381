#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/log.h"
#include "common/comm/agree.h"
#include "coordinator/answers.h"
#include "coordinator/queries.h"
#include "coordinator/run_report.h"
#include "launch/commands.h"
#include "launch/job.h"
#include "launch/version.h"

namespace larimar::launch {
namespace {

using coordinator::RunReport;

// What run.json says from the start: if nobody gets to replace it, this is the truth.
RunReport started_report(const RunCommand& command) {
  RunReport report;
  report.config = to_json(command.setup);
  report.command_line = command.command_line;
  report.version = kVersion;
  report.started_at = std::chrono::system_clock::now();
  report.ended_at = report.started_at;
  report.exit_code = base::ExitCode::kInterrupted;
  report.error = "the run has not ended, or was killed before it could say so";
  return report;
}

coordinator::QueryFile read_all_queries(const RunCommand& command) {
  coordinator::QueryFile file;
  if (!command.queries.empty()) file = coordinator::read_queries(command.queries);
  for (const std::string& text : command.query) {
    coordinator::Query query = coordinator::make_query(text);
    query.id = "command-line-" + std::to_string(file.queries.size() + 1);
    file.queries.push_back(std::move(query));
  }
  if (file.queries.empty()) throw base::UsageError("nothing to ask: give --query TEXT or --queries FILE");
  for (const coordinator::BadLine& bad : file.bad) {
    base::log(base::LogLevel::kWarning,
              command.queries.string() + " line " + std::to_string(bad.line) + ": " + bad.reason + "; left out");
  }
  return file;
}

void print_answers(const std::vector<coordinator::AnswerRecord>& answers, const RunCommand& command) {
  for (const auto& answer : answers) {
    if (command.json) {
      std::cout << coordinator::to_json(answer) << '\n';
      continue;
    }
    std::cout << answer.id << ": " << answer.answer << (answer.in_scope ? "" : "[out of scope: " + answer.note + "]")
              << '\n';
    if (!answer.citations.empty()) {
      const auto& first = answer.citations.front();
      std::cout << "    " << first.document.filename().string() << " line " << first.line << ", bytes "
                << first.byte_begin << "-" << first.byte_end << "  score " << answer.score << '\n';
    }
  }
  std::cout << std::flush;
}

void write_answers(const std::filesystem::path& out, const std::vector<coordinator::AnswerRecord>& answers) {
  coordinator::AnswerWriter writer(out);
  for (const auto& answer : answers) writer.write(answer);
  writer.commit();
}

int run_as_coordinator(comm::Transport& transport, const RunCommand& command, RunReport& report) {
  coordinator::QueryFile file;
  // Everything that can be refused is, before the work.
  comm::together(transport, [&] {
    coordinator::write_run_report(command.out, report);
    file = read_all_queries(command);
  });
  report.queries = {file.queries.size() + file.bad.size(), 0, file.bad};
  Job job(transport, command.setup);
  report.config = to_json(job.setup());
  base::log(base::LogLevel::kInfo, "keys: " + job.setup().keys + ", model: " + job.setup().model.string() + ", " +
                                       std::to_string(job.roles().shards()) + " shards on " +
                                       std::to_string(transport.size()) + " ranks");
  JobResult result = job.run({command.context, command.setup.key_mode, file.queries});
  report.ranks = std::move(result.report.ranks);
  report.phases = std::move(result.report.phases);
  report.context = result.report.context;
  report.tokens_per_second = std::move(result.report.tokens_per_second);
  report.shards = std::move(result.report.shards);
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
  print_answers(result.answers, command);
  return static_cast<int>(report.exit_code);
}

int run_as_other(comm::Transport& transport, const RunCommand& command) {
  comm::together(transport, [] {});
  Job job(transport, command.setup);
  job.serve();
  comm::together(transport, [] {});
  return 0;
}

}  // namespace

int run_command(comm::Transport& transport, const RunCommand& command) {
  if (transport.rank() != 0) return run_as_other(transport, command);
  RunReport report = started_report(command);
  try {
    const int code = run_as_coordinator(transport, command, report);
    report.ended_at = std::chrono::system_clock::now();
    coordinator::write_run_report(command.out, report);
    return code;
  } catch (const base::Error& error) {
    report.exit_code = error.code();
    report.error = error.what();
    report.ended_at = std::chrono::system_clock::now();
    try {
      coordinator::write_run_report(command.out, report);
    } catch (const base::Error&) {  // the first error says more; it is on its way to the user
    }
    throw;
  }
}

}  // namespace larimar::launch

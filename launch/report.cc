#include "launch/report.h"

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/comm/agree.h"
#include "launch/version.h"

namespace larimar::launch {
namespace {

using coordinator::RunReport;

struct HostName {
  char text[64] = {};
};

// What run.json says from the start: if nobody gets to replace it, this is the truth.
RunReport started_report(const JobSetup& setup, const std::vector<std::string>& command_line) {
  RunReport report;
  report.config = to_json(setup);
  report.command_line = command_line;
  report.version = kVersion;
  report.started_at = std::chrono::system_clock::now();
  report.ended_at = report.started_at;
  report.exit_code = base::ExitCode::kInterrupted;
  report.error = "the run has not ended, or was killed before it could say so";
  return report;
}

void write_last(const std::filesystem::path& out, RunReport& report) {
  LARIMAR_FAILPOINT("coordinator.report.write");
  report.ended_at = std::chrono::system_clock::now();
  coordinator::write_run_report(out, report);
}

}  // namespace

coordinator::QueryFile read_all_queries(const std::filesystem::path& queries, const std::vector<std::string>& texts) {
  coordinator::QueryFile file;
  if (!queries.empty()) file = coordinator::read_queries(queries);
  for (const std::string& text : texts) {
    coordinator::Query query = coordinator::make_query(text);
    query.id = "command-line-" + std::to_string(file.queries.size() + 1);
    file.queries.push_back(std::move(query));
  }
  if (file.queries.empty()) throw base::UsageError("nothing to ask: give --query TEXT or --queries FILE");
  for (const coordinator::BadLine& bad : file.bad) {
    base::log(base::LogLevel::kWarning,
              queries.string() + " line " + std::to_string(bad.line) + ": " + bad.reason + "; left out");
  }
  return file;
}

void print_answers(const std::vector<coordinator::AnswerRecord>& answers, bool json) {
  for (const auto& answer : answers) {
    if (json) {
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
  LARIMAR_FAILPOINT("coordinator.answers.write");
  coordinator::AnswerWriter writer(out);
  for (const auto& answer : answers) writer.write(answer);
  writer.commit();
}

void report_ranks(comm::Transport& transport, const wire::RolePlan& plan, coordinator::RunReport& report) {
  HostName host;
  transport.host().copy(host.text, sizeof host.text - 1);
  const auto hosts = transport.all_gather_one(host);
  const auto memory = transport.all_gather_one(base::peak_memory_bytes());
  const auto pids = transport.all_gather_one(base::process_id());
  const auto sent = transport.all_gather_one(transport.sent());
  for (int rank = 0; rank < plan.ranks; ++rank) {
    const auto i = static_cast<std::size_t>(rank);
    report.ranks.push_back(
        {rank, hosts[i].text, plan.roles_of(rank), pids[i], memory[i], sent[i].messages, sent[i].bytes});
  }
}

int with_run_report(comm::Transport& transport, const std::filesystem::path& out, const JobSetup& setup,
                    const std::vector<std::string>& command_line, const std::function<int(RunReport&)>& work) {
  const bool root = transport.rank() == 0;
  RunReport report = started_report(setup, command_line);
  comm::together(transport, [&] {
    if (root) coordinator::write_run_report(out, report);
  });
  try {
    const int code = work(report);
    if (root) write_last(out, report);
    return code;
  } catch (const base::Error& error) {
    report.exit_code = error.code();
    report.error = error.what();
    try {
      if (root) write_last(out, report);
    } catch (const base::Error&) {  // the first error says more; it is on its way to the user
    }
    throw;
  }
}

}  // namespace larimar::launch

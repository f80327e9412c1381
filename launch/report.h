#pragma once
// What commands that answer queries share: queries in, answers.jsonl and run.json out.
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/comm/transport.h"
#include "common/wire/plan.h"
#include "coordinator/answers.h"
#include "coordinator/queries.h"
#include "coordinator/run_report.h"
#include "launch/session.h"
#include "launch/setup.h"

namespace larimar::launch {

/// Queries of a file and of the command line. A bad line is logged and left out.
/// Calls   local; rank 0. Throws UsageError if there is none; as coordinator::read_queries and make_query.
[[nodiscard]] coordinator::QueryFile read_all_queries(const std::filesystem::path& file,
                                                      const std::vector<std::string>& texts);

/// A line or two for each answer; with `json` the lines of answers.jsonl.
void print_answers(const std::vector<coordinator::AnswerRecord>& answers, bool json);
void write_answers(const std::filesystem::path& out, const std::vector<coordinator::AnswerRecord>& answers);

/// Hosts, roles and memory of all ranks into the report. Calls collective.
void report_ranks(comm::Transport& transport, const wire::RolePlan& plan, coordinator::RunReport& report);

/// Which blocks of which documents the answers lack, `blocks` being how many each document has, in the order in which they were
/// written. Local; nothing if nothing is missing.
void report_missing(const Session& session, std::span<const std::filesystem::path> documents,
                    std::span<const std::uint64_t> blocks, coordinator::RunReport& report);

/// Runs `work` with OUT/run.json around it: from the start it says that the run has not ended, at the end how it did, also
/// after an error; deaths of ranks come from the session. Returns what `work` returns, or 3 for a success of which something is
/// missing. After a death that may be survived the report still says that the run has not ended.
/// Calls   collective (an agreement before the work). Throws what `work` throws; AgreedError if OUT cannot be written.
[[nodiscard]] int with_run_report(comm::Transport& transport, const Session& session, const std::filesystem::path& out,
                                  const JobSetup& setup, const std::vector<std::string>& command_line,
                                  const std::function<int(coordinator::RunReport&)>& work);

}  // namespace larimar::launch

#include "coordinator/run_report.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "common/base/file.h"

namespace larimar::coordinator {
namespace {

using nlohmann::ordered_json;

ordered_json phase_json(const std::vector<PhaseValue>& values) {
  ordered_json object = ordered_json::object();
  for (const PhaseValue& phase : values) object[phase.name] = phase.value;
  return object;
}

ordered_json rank_json(const std::vector<RankReport>& ranks) {
  ordered_json list = ordered_json::array();
  for (const RankReport& rank : ranks) {
    list.push_back({{"rank", rank.rank},
                    {"host", rank.host},
                    {"roles", rank.roles},
                    {"pid", rank.pid},
                    {"peak_memory_bytes", rank.peak_memory_bytes},
                    {"messages_sent", rank.messages_sent},
                    {"bytes_sent", rank.bytes_sent}});
  }
  return list;
}

ordered_json query_json(const QueryReport& queries) {
  ordered_json bad = ordered_json::array();
  for (const BadLine& line : queries.bad) bad.push_back({{"line", line.line}, {"reason", line.reason}});
  return {{"total", queries.total}, {"answered", queries.answered}, {"bad", bad}};
}

ordered_json shard_json(const std::vector<base::ShardId>& shards) {
  ordered_json list = ordered_json::array();
  for (const base::ShardId shard : shards) list.push_back(shard.value);
  return list;
}

ordered_json context_json(const ContextReport& context) {
  return {{"documents", context.documents},
          {"bytes", context.bytes},
          {"segments", context.segments},
          {"tokens", context.tokens},
          {"repaired_bytes", context.repaired_bytes}};
}

}  // namespace

std::string run_status(base::ExitCode code) {
  switch (code) {
    case base::ExitCode::kOk:
    case base::ExitCode::kBelowThreshold:
      return "ok";
    case base::ExitCode::kDegraded:
      return "degraded";
    default:
      return "failed";
  }
}

std::string utc_text(TimePoint time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = since / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(since % 1000));
  return std::string(day.data()) + fraction.data();
}

std::string to_json(const RunReport& report) {
  ordered_json object;
  object["status"] = run_status(report.exit_code);
  object["exit_code"] = static_cast<int>(report.exit_code);
  object["error"] = report.error.empty() ? ordered_json(nullptr) : ordered_json(report.error);
  object["version"] = report.version;
  object["command_line"] = report.command_line;
  object["config"] = report.config;
  object["started_at"] = utc_text(report.started_at);
  object["ended_at"] = utc_text(report.ended_at);
  object["ranks"] = rank_json(report.ranks);
  object["phases"] = phase_json(report.phases);
  object["context"] = context_json(report.context);
  object["ingest"]["tokens_per_second"] = phase_json(report.tokens_per_second);
  object["queries"] = query_json(report.queries);
  object["shards"] = {{"contributing", shard_json(report.shards.contributing)},
                      {"degraded", shard_json(report.shards.degraded)},
                      {"failed", shard_json(report.shards.failed)}};
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void write_run_report(const std::filesystem::path& folder, const RunReport& report) {
  base::make_folder(folder);
  base::write_file(folder / "run.json", to_json(report));
}

}  // namespace larimar::coordinator

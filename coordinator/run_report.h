#pragma once
// OUT/run.json: what a run was asked, where it ran, and how it ended. mpirun's exit code alone does not tell.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/ids.h"
#include "coordinator/queries.h"

namespace larimar::coordinator {

using TimePoint = std::chrono::system_clock::time_point;

struct RankReport {
  int rank = 0;
  std::string host{};
  std::vector<std::string> roles{};
  std::int64_t pid = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::uint64_t messages_sent = 0, bytes_sent = 0;  // to other ranks, all of the job so far
};

/// A value of a phase: its seconds, or its tokens/s.
struct PhaseValue {
  std::string name{};
  double value = 0.0;
};

struct ContextReport {
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;
  std::uint64_t segments = 0;
  std::uint64_t tokens = 0;
  std::uint64_t repaired_bytes = 0;
};

struct QueryReport {
  std::uint64_t total = 0;  // lines of the query file, the bad ones too
  std::uint64_t answered = 0;
  std::vector<BadLine> bad{};
};

struct ShardReport {
  std::vector<base::ShardId> contributing{};
  std::vector<base::ShardId> degraded{};
  std::vector<base::ShardId> failed{};
};

struct RunReport {
  nlohmann::json config{};                  // every option with its value
  std::vector<std::string> command_line{};  // as started
  std::string version{};
  TimePoint started_at{};
  TimePoint ended_at{};
  std::vector<RankReport> ranks{};
  std::vector<PhaseValue> phases{};  // seconds, in the order they ran
  ContextReport context{};
  std::vector<PhaseValue> tokens_per_second{};  // of ingest, by phase
  QueryReport queries{};
  ShardReport shards{};
  base::ExitCode exit_code = base::ExitCode::kOk;
  std::string error{};  // what stopped the run; empty if nothing did
};

/// "ok" for an exit code of a run that did all it was asked (0, or 1 for a value below --fail-under), "degraded" for 3,
/// otherwise "failed".
[[nodiscard]] std::string run_status(base::ExitCode code);

/// UTC with milliseconds, "2031-01-02T03:04:05.678Z" (ISO 8601). Needs a time from 1970 on.
[[nodiscard]] std::string utc_text(TimePoint time);

/// The report as the text of run.json, indented, with a newline at the end: status, exit_code, error (null if none), version,
/// command_line, config, started_at, ended_at, ranks, phases {name: seconds}, context, ingest {tokens_per_second {name: value}},
/// queries {total, answered, bad [{line, reason}]}, shards {contributing, degraded, failed}. Values of one phase that ran
/// several times are to be summed by the caller; the last one stands. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string to_json(const RunReport& report);

/// Writes FOLDER/run.json, complete or not at all, and makes the folder if it is absent.
/// Throws Error(kCannotCreate) if folder or file cannot be made, IoError if writing fails.
void write_run_report(const std::filesystem::path& folder, const RunReport& report);

}  // namespace larimar::coordinator

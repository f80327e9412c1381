#pragma once
// What larimar doctor finds out, one line each.
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace larimar::launch::doctor {

/// kNote: worth knowing, nothing to do. kWarning: it works, but slowly or with a risk. kBad: a job would fail here.
enum class State { kGood, kNote, kWarning, kBad };

inline constexpr const char* kJob = "job";  // where: not a matter of one rank or host

struct Finding {
  std::string check;  // "clock"
  State state = State::kGood;
  std::string found;   // "0.2 ms from rank 0"
  std::string advice;  // what to do; empty where all is well
  std::string where;   // "ranks 0-3", "host node1"; kJob; empty: this rank
};

/// One rank's findings, for the way to rank 0 and for --json. Throws FormatError for another text.
[[nodiscard]] nlohmann::json to_json(const std::vector<Finding>& findings);
[[nodiscard]] std::vector<Finding> findings_from_json(const std::string& text);

/// Findings of all ranks with equal ones joined: `where` then names the ranks. In the order of checks as rank 0 has them.
[[nodiscard]] std::vector<Finding> join_ranks(const std::vector<std::vector<Finding>>& by_rank);

/// A table, and what to do below each line that is not well.
void print_table(std::ostream& out, const std::vector<Finding>& findings);

/// 0: ready. 3: ready, with warnings. 78: not ready.
[[nodiscard]] int exit_code_of(const std::vector<Finding>& findings);

/// "ready", "ready, with 2 warnings", "not ready: 1 check failed".
[[nodiscard]] std::string verdict_of(const std::vector<Finding>& findings);

[[nodiscard]] const char* name_of(State state);

}  // namespace larimar::launch::doctor

#include "launch/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace larimar::launch {

wire::RolePlan Session::plan(wire::RolePlan first) {
  now_ = survivors_.empty() ? first : wire::plan_of_survivors(first, survivors_, orphans_);
  first_ = std::move(first);
  return now_;
}

void Session::lose(const std::vector<int>& survivors, const std::vector<std::string>& hosts,
                   coordinator::RankFault common) {
  const auto lives = [&](const std::vector<int>& ranks, int rank) {
    return ranks.empty() || std::ranges::find(ranks, rank) != ranks.end();
  };
  for (int rank = 0; rank < ranks_; ++rank) {
    if (lives(survivors, rank) || !lives(survivors_, rank)) continue;
    coordinator::RankFault fault = common;
    fault.rank = rank;
    fault.host = hosts.at(static_cast<std::size_t>(rank));
    // Roles are those of the plan that was broken, where a rank has another number once others have died.
    const auto place =
        survivors_.empty() ? rank : static_cast<int>(std::ranges::find(survivors_, rank) - survivors_.begin());
    if (first_) fault.roles = now_.roles_of(place);
    faults_.push_back(std::move(fault));
  }
  survivors_ = survivors;
  ++losses_;
}

void Session::note_result() {
  for (coordinator::RankFault& fault : faults_) {
    if (!fault.first_result_seconds)
      fault.first_result_seconds =
          std::chrono::duration<double>(std::chrono::system_clock::now() - fault.noticed_at).count();
  }
}

std::vector<std::uint32_t> Session::missing() const {
  if (survivors_.empty() || !first_) return {};
  return now_.shard_map().missing();
}

void Session::report(coordinator::RunReport& report) const {
  report.fault_tolerance = fault_tolerance;
  report.faults = faults_;
  report.missing.virtual_shards = missing();
  for (coordinator::RankReport& rank : report.ranks) {
    if (!survivors_.empty()) rank.started_as = survivors_.at(static_cast<std::size_t>(rank.rank));
  }
  if (!report.missing.virtual_shards.empty() && report.exit_code == base::ExitCode::kOk)
    report.exit_code = base::ExitCode::kDegraded;
}

}  // namespace larimar::launch

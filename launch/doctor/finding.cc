#include "launch/doctor/finding.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "common/base/error.h"
#include "common/comm/same.h"

namespace larimar::launch::doctor {
namespace {

constexpr const char* kNames[] = {"ok", "note", "warning", "BAD"};

std::size_t count_of(const std::vector<Finding>& findings, State state) {
  return static_cast<std::size_t>(std::ranges::count(findings, state, &Finding::state));
}

std::string counted(std::size_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

struct Joined {
  Finding finding;
  std::vector<int> ranks;
};

bool is_same(const Finding& a, const Finding& b) {
  return a.check == b.check && a.state == b.state && a.found == b.found && a.advice == b.advice && a.where == b.where;
}

}  // namespace

const char* name_of(State state) { return kNames[static_cast<int>(state)]; }

nlohmann::json to_json(const std::vector<Finding>& findings) {
  nlohmann::json all = nlohmann::json::array();
  for (const Finding& one : findings)
    all.push_back({{"check", one.check},
                   {"state", name_of(one.state)},
                   {"found", one.found},
                   {"advice", one.advice},
                   {"where", one.where}});
  return all;
}

std::vector<Finding> findings_from_json(const std::string& text) {
  std::vector<Finding> findings;
  try {
    for (const nlohmann::json& one : nlohmann::json::parse(text)) {
      const auto* state = std::ranges::find(kNames, one.at("state").get<std::string>());
      if (state == std::end(kNames)) throw base::FormatError("a finding has an unknown state");
      findings.push_back({one.at("check").get<std::string>(), static_cast<State>(state - std::begin(kNames)),
                          one.at("found").get<std::string>(), one.at("advice").get<std::string>(),
                          one.at("where").get<std::string>()});
    }
  } catch (const nlohmann::json::exception& error) {
    throw base::FormatError(std::string("a rank's findings cannot be read: ") + error.what());
  }
  return findings;
}

std::vector<Finding> join_ranks(const std::vector<std::vector<Finding>>& by_rank) {
  std::vector<std::string> order;
  std::vector<Joined> joined;
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
    for (const Finding& finding : by_rank[rank]) {
      if (std::ranges::find(order, finding.check) == order.end()) order.push_back(finding.check);
      auto found = std::ranges::find_if(joined, [&](const Joined& one) { return is_same(one.finding, finding); });
      if (found == joined.end()) found = joined.insert(joined.end(), {finding, {}});
      found->ranks.push_back(static_cast<int>(rank));
    }
  }
  std::vector<Finding> all;
  for (const std::string& check : order) {
    for (Joined& one : joined) {
      if (one.finding.check != check) continue;
      if (one.finding.where.empty() && one.ranks.size() < by_rank.size())
        one.finding.where = comm::rank_list(one.ranks);
      all.push_back(one.finding);
    }
  }
  return all;
}

void print_table(std::ostream& out, const std::vector<Finding>& findings) {
  std::size_t width = 5;
  for (const Finding& one : findings) width = std::max(width, one.check.size());
  for (const Finding& one : findings) {
    out << one.check << std::string(width - one.check.size() + 2, ' ') << name_of(one.state)
        << std::string(9 - std::string(name_of(one.state)).size(), ' ') << one.found;
    if (!one.where.empty() && one.where != kJob) out << "  (" << one.where << ")";
    out << '\n';
    if (!one.advice.empty()) out << std::string(width + 2, ' ') << "-> " << one.advice << '\n';
  }
  out << verdict_of(findings) << std::endl;
}

int exit_code_of(const std::vector<Finding>& findings) {
  if (count_of(findings, State::kBad) > 0) return static_cast<int>(base::ExitCode::kConfig);
  if (count_of(findings, State::kWarning) > 0) return static_cast<int>(base::ExitCode::kDegraded);
  return 0;
}

std::string verdict_of(const std::vector<Finding>& findings) {
  const std::size_t bad = count_of(findings, State::kBad), warnings = count_of(findings, State::kWarning);
  if (bad > 0) return "not ready: " + counted(bad, "check") + " failed";
  return warnings > 0 ? "ready, with " + counted(warnings, "warning") : "ready";
}

}  // namespace larimar::launch::doctor

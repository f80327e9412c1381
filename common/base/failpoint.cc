#include "common/base/failpoint.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace larimar::base {
namespace {

enum class Action { kKill, kThrow, kDelay, kIo };

struct Armed {
  bool set = false;
  std::uint64_t nth = 1;
  bool always_after = false;
  Action action = Action::kKill;
  IoFault fault = IoFault::kNone;
  double seconds = 1;
};

std::array<Armed, kFailpointCount> armed;
std::array<std::atomic<std::uint64_t>, kFailpointCount> passed{};
thread_local IoFault pending = IoFault::kNone;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string near_names(std::string_view name) {
  std::vector<std::pair<std::size_t, std::string_view>> names;
  for (const FailpointInfo& info : kFailpoints) names.emplace_back(edit_distance(name, info.name), info.name);
  std::stable_sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  names.resize(std::min<std::size_t>(names.size(), 3));
  std::string text;
  for (const auto& [distance, near] : names) text += (text.empty() ? "" : ", ") + std::string(near);
  return text;
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

[[noreturn]] void refuse(std::string_view entry, const std::string& why) {
  throw ConfigError("LARIMAR_FAILPOINT entry '" + std::string(entry) + "': " + why);
}

void read_action(std::string_view entry, std::string_view text, bool io, Armed& point) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  constexpr std::pair<std::string_view, IoFault> kFaults[] = {{"eio", IoFault::kEio},
                                                              {"enospc", IoFault::kEnospc},
                                                              {"short-write", IoFault::kShortWrite},
                                                              {"bitflip", IoFault::kBitflip}};
  const auto* fault =
      std::find_if(std::begin(kFaults), std::end(kFaults), [&](const auto& f) { return f.first == name; });
  if (equals != std::string_view::npos) {
    const bool good = name == "delay" && parse(text.substr(equals + 1), point.seconds);
    if (!good || !(point.seconds >= 0 && point.seconds <= 3600))
      refuse(entry, "only delay takes a value, 0 to 3600 seconds");
  }
  if (name == "kill") {
    point.action = Action::kKill;
  } else if (name == "throw") {
    point.action = Action::kThrow;
  } else if (name == "delay") {
    point.action = Action::kDelay;
  } else if (fault != std::end(kFaults)) {
    if (!io) refuse(entry, "no file call follows that failpoint; use kill, throw or delay there");
    point.action = Action::kIo;
    point.fault = fault->second;
  } else {
    refuse(entry, "the action must be kill, throw, delay[=seconds], eio, enospc, short-write or bitflip");
  }
}

void arm_entry(std::string_view entry, int rank, std::array<Armed, kFailpointCount>& table) {
  const std::vector<std::string_view> parts = split(entry, ':');
  if (parts.size() != 3 && parts.size() != 4) refuse(entry, "expected name:nth:action or name:nth:action:rank");
  const std::size_t index = failpoint_index(parts[0]);
  if (index == kFailpointCount) {
    refuse(entry,
           "there is no such failpoint; near names: " + near_names(parts[0]) + " (all: larimar info --failpoints)");
  }
  Armed point{.set = true};
  std::string_view nth = parts[1];
  if (nth.ends_with('+')) {
    point.always_after = true;
    nth.remove_suffix(1);
  }
  if (!parse(nth, point.nth) || point.nth == 0)
    refuse(entry, "nth must be a number from 1 on, or one with + behind it");
  read_action(entry, parts[2], kFailpoints[index].io, point);
  int wanted = rank;
  if (parts.size() == 4 && (!parse(parts[3], wanted) || wanted < 0))
    refuse(entry, "the rank must be a number from 0 on");
  if (wanted == rank) table[index] = point;
}

}  // namespace

bool has_failpoints() {
#ifdef LARIMAR_FAILPOINTS
  return true;
#else
  return false;
#endif
}

void arm_failpoints(std::string_view list, int rank) {
  std::array<Armed, kFailpointCount> table{};
  if (!list.empty()) {
    if (!has_failpoints()) {
      throw ConfigError(
          "LARIMAR_FAILPOINT is set, but this build has no failpoints; configure with -DLARIMAR_FAILPOINTS=ON");
    }
    for (const std::string_view entry : split(list, ',')) arm_entry(entry, rank, table);
  }
  failpoint::any_armed.store(false);
  armed = table;
  for (auto& count : passed) count.store(0);
  pending = IoFault::kNone;
  failpoint::any_armed.store(std::any_of(table.begin(), table.end(), [](const Armed& point) { return point.set; }));
}

void arm_failpoints_from_environment(int rank) {
  if (const char* list = std::getenv("LARIMAR_FAILPOINT")) arm_failpoints(list, rank);
}

namespace failpoint {

void pass(std::size_t index) {
  const Armed& point = armed[index];
  if (!point.set) return;
  const std::uint64_t time = passed[index].fetch_add(1) + 1;
  if (time != point.nth && !(point.always_after && time > point.nth)) return;
  switch (point.action) {
    case Action::kKill:
      ::kill(::getpid(), SIGKILL);
      std::abort();  // not reached: SIGKILL cannot be held off
    case Action::kThrow:
      throw Error(ExitCode::kInternal,
                  "failpoint " + std::string(kFailpoints[index].name) + " threw, as it was told to");
    case Action::kDelay:
      std::this_thread::sleep_for(std::chrono::duration<double>(point.seconds));
      return;
    case Action::kIo:
      pending = point.fault;
      return;
  }
}

IoFault take_io_fault(bool writes) {
  const bool waits = !writes && (pending == IoFault::kShortWrite || pending == IoFault::kBitflip);
  return waits ? IoFault::kNone : std::exchange(pending, IoFault::kNone);
}

}  // namespace failpoint
}  // namespace larimar::base

#pragma once
// Places where a test can make the program fail on purpose. With no failpoint armed, passing one costs a load and a
// branch; the CMake option LARIMAR_FAILPOINTS=OFF compiles them out.
#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace larimar::base {

struct FailpointInfo {
  std::string_view name;  // "store.log.append": folder, thing, step
  bool io = false;        // stands right before a file call, so that the I/O actions have something to act on
  std::string_view what;  // what is about to happen there
};

/// All failpoints there are. common/base/failpoints.inc is the one list; `larimar info --failpoints` prints it.
inline constexpr FailpointInfo kFailpoints[] = {
#define LARIMAR_FAILPOINT_ENTRY(name, io, what) {name, io, what},
#include "common/base/failpoints.inc"
#undef LARIMAR_FAILPOINT_ENTRY
};
inline constexpr std::size_t kFailpointCount = std::size(kFailpoints);

/// Position in the list; kFailpointCount if there is none of that name.
constexpr std::size_t failpoint_index(std::string_view name) {
  for (std::size_t i = 0; i < kFailpointCount; ++i) {
    if (kFailpoints[i].name == name) return i;
  }
  return kFailpointCount;
}

/// Whether this build has failpoints.
[[nodiscard]] bool has_failpoints();

/// Arms the failpoints of a comma-separated list of name:nth:action or name:nth:action:rank, and forgets those armed
/// and counted before; an empty text disarms all. The action happens at the nth time the name is passed, counted in
/// this process from here on; "3+" means the third time and always after. With a rank it happens on that rank only.
///   kill            SIGKILL to the own process
///   throw           Error(kInternal) that names the failpoint
///   delay[=s]       sleeps s seconds, 1 if not given
///   eio, enospc     the next file call of this thread fails that way
///   short-write     the next write takes half of its bytes and says so
///   bitflip         the next write has one bit of its middle byte turned
/// Calls   local. Not while other threads pass failpoints.
/// Throws  ConfigError: an unknown name (lists near ones), a malformed entry, an I/O action where no file call follows,
///         or a list that is not empty in a build without failpoints.
void arm_failpoints(std::string_view list, int rank = -1);

/// arm_failpoints() with the environment variable LARIMAR_FAILPOINT; nothing if it is unset.
void arm_failpoints_from_environment(int rank = -1);

/// What the next file call of this thread has to suffer. Taking it leaves kNone.
enum class IoFault { kNone, kEio, kEnospc, kShortWrite, kBitflip };

namespace failpoint {
inline std::atomic<bool> any_armed{false};
void pass(std::size_t index);
[[nodiscard]] IoFault take_io_fault(bool writes);
}  // namespace failpoint

/// Called by every file call of common/store, once. Short writes and bit flips wait for one that writes.
[[nodiscard]] inline IoFault take_io_fault(bool writes) {
#ifdef LARIMAR_FAILPOINTS
  if (failpoint::any_armed.load(std::memory_order_relaxed)) return failpoint::take_io_fault(writes);
#endif
  static_cast<void>(writes);
  return IoFault::kNone;
}

}  // namespace larimar::base

/// Passes the failpoint of that name, a string literal; a name that is not in the list does not compile.
#ifdef LARIMAR_FAILPOINTS
#define LARIMAR_FAILPOINT(name)                                                                   \
  do {                                                                                            \
    constexpr std::size_t larimar_failpoint = ::larimar::base::failpoint_index(name);             \
    static_assert(larimar_failpoint < ::larimar::base::kFailpointCount, "not in failpoints.inc"); \
    if (::larimar::base::failpoint::any_armed.load(std::memory_order_relaxed))                    \
      ::larimar::base::failpoint::pass(larimar_failpoint);                                        \
  } while (false)
#else
#define LARIMAR_FAILPOINT(name) \
  static_assert(::larimar::base::failpoint_index(name) < ::larimar::base::kFailpointCount, "not in failpoints.inc")
#endif

#include "common/base/interrupt.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <iterator>
#include <string>

#include "common/base/error.h"
#include "common/base/last_words.h"

namespace larimar::base {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kSignals[] = {SIGTERM, SIGUSR1, SIGINT};

using Handler = void (*)(int);
Handler before[std::size(kSignals)] = {};
std::atomic<bool> in_scope{false};
volatile std::sig_atomic_t received = 0;
Clock::time_point deadline = Clock::time_point::max();
double limit_seconds = 0;

extern "C" void note_signal(int signal) {
  received = signal;
  std::signal(signal, SIG_DFL);  // async-signal-safe; the next one is meant in earnest
  if (signal == SIGTERM) say_who_died();
}

const char* name_of(int signal) {
  switch (signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "SIGINT";
  }
}

}  // namespace

InterruptScope::InterruptScope(double max_seconds) {
  if (!(max_seconds >= 0.0))
    throw ConfigError("a time limit of " + std::to_string(max_seconds) + " seconds is none; 0 means without limit");
  received = 0;
  limit_seconds = max_seconds;
  constexpr double kYear = 366.0 * 24 * 3600;
  const auto seconds = std::chrono::duration<double>(std::fmin(max_seconds, kYear));
  deadline =
      max_seconds == 0 ? Clock::time_point::max() : Clock::now() + std::chrono::duration_cast<Clock::duration>(seconds);
  for (std::size_t i = 0; i < std::size(kSignals); ++i) before[i] = std::signal(kSignals[i], note_signal);
  in_scope = true;
}

InterruptScope::~InterruptScope() {
  in_scope = false;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) std::signal(kSignals[i], before[i]);
}

void throw_if_interrupted() {
  if (!in_scope.load(std::memory_order_relaxed)) return;
  if (received != 0)
    throw Error(ExitCode::kInterrupted, std::string("stopped by ") + name_of(received) +
                                            "; what is acknowledged is on disk, the same command again goes on");
  if (Clock::now() >= deadline)
    throw Error(ExitCode::kInterrupted, "stopped by --max-time " + std::to_string(limit_seconds) +
                                            " s; what is acknowledged is on disk, the same command again goes on");
}

}  // namespace larimar::base

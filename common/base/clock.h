#pragma once
#include <chrono>

namespace larimar::base {

/// Wall time since construction or since the last restart. Not shared between threads.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  void restart() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// A point in time that a wait must not pass.
class Deadline {
 public:
  explicit Deadline(std::chrono::duration<double> from_now)
      : end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(from_now)) {}
  [[nodiscard]] bool passed() const { return Clock::now() >= end_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_;
};

}  // namespace larimar::base

#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace larimar::base {

enum class ProgressStyle {
  kBar,    // one line of a terminal, redrawn at most 10 times a second
  kLines,  // a line of a log file at most each 10 seconds
};

/// What a progress display would write and when, apart from clocks and terminals. Not shared between threads.
class ProgressText {
 public:
  struct Work {
    std::string label;
    std::uint64_t total = 0;  // units; 0: not known, so no percent and no time left
    std::string unit;         // plural, "tokens" for example
  };
  /// `columns`: width of the terminal, for the bar style; longer lines are cut, since a wrapped line cannot be redrawn.
  ProgressText(Work work, ProgressStyle style, std::size_t columns = 80);

  /// What to write after `done` units in `seconds` since the start; none if it is too early for another line.
  [[nodiscard]] std::optional<std::string> update(std::uint64_t done, double seconds);

  /// The closing line, always written: how much was done, in which time, at which rate.
  [[nodiscard]] std::string finish(std::uint64_t done, double seconds) const;

 private:
  [[nodiscard]] std::string bar(std::uint64_t done, double seconds) const;
  [[nodiscard]] std::string line(std::uint64_t done, double seconds) const;

  Work work_;
  ProgressStyle style_;
  std::size_t columns_;
  double last_seconds_;
};

/// Progress of long work on standard error: a bar if that is a terminal, sparse lines if not. Owns the bar's line while it
/// lives; one thread, and one rank of a job (rank 0). Dropped without finish(), it leaves the line and claims nothing.
class Progress {
 public:
  enum class Mode { kAuto, kOff };

  Progress(std::string label, std::uint64_t total, std::string unit, Mode mode = Mode::kAuto);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void advance(std::uint64_t units = 1) { set(done_ + units); }
  void set(std::uint64_t done);
  /// Writes the closing line, once.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  Mode mode_;
  ProgressStyle style_;
  ProgressText text_;
  std::uint64_t done_ = 0;
  bool open_ = false;  // the cursor stands in the bar's line
  Clock::time_point start_ = Clock::now();
};

}  // namespace larimar::base

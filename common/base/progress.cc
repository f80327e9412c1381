#include "common/base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace larimar::base {
namespace {

constexpr double kBarSeconds = 0.1;
constexpr double kLineSeconds = 10.0;
constexpr std::size_t kBarWidth = 20;
constexpr const char* kLineStart = "\r\033[K";  // to the first column, and erase what stands there

std::string rounded(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

/// 1:05 or 2:01:05. Above 99 hours an estimate says nothing.
std::string clock_text(double seconds) {
  if (!(seconds < 360000.0)) return "long";
  const auto whole = static_cast<long>(std::ceil(seconds));
  std::array<char, 32> text{};
  if (whole >= 3600) {
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
  }
  return text.data();
}

std::string rate_text(std::uint64_t done, double seconds, const std::string& unit) {
  const double rate = seconds > 0.0 ? static_cast<double>(done) / seconds : 0.0;
  return rounded(rate, rate < 10.0 ? 2 : 0) + " " + unit + "/s";
}

double share_of(std::uint64_t done, std::uint64_t total) {
  return std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

/// Rounded down: 100 % stands for all of it.
std::string percent_text(double share) { return std::to_string(static_cast<int>(share * 100.0)) + " %"; }

std::string time_left(std::uint64_t done, std::uint64_t total, double seconds) {
  const double remaining = static_cast<double>(total - std::min(done, total));
  return clock_text(seconds / static_cast<double>(done) * remaining);
}

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80U;
}

}  // namespace

ProgressText::ProgressText(Work work, ProgressStyle style, std::size_t columns)
    : work_(std::move(work)),
      style_(style),
      columns_(columns),
      // The first bar shows at once; the first line of a log only after its interval, so short work leaves one line.
      last_seconds_(style == ProgressStyle::kBar ? -kBarSeconds : 0.0) {}

std::optional<std::string> ProgressText::update(std::uint64_t done, double seconds) {
  const double interval = style_ == ProgressStyle::kBar ? kBarSeconds : kLineSeconds;
  if (seconds - last_seconds_ < interval) return std::nullopt;
  last_seconds_ = seconds;
  return style_ == ProgressStyle::kBar ? bar(done, seconds) : line(done, seconds);
}

std::string ProgressText::finish(std::uint64_t done, double seconds) const {
  const std::string start = style_ == ProgressStyle::kBar ? kLineStart : "";
  return start + work_.label + ": " + std::to_string(done) + " " + work_.unit + " in " + rounded(seconds, 1) + " s, " +
         rate_text(done, seconds, work_.unit) + "\n";
}

std::string ProgressText::bar(std::uint64_t done, double seconds) const {
  std::string text = work_.label + " ";
  if (work_.total > 0) {
    const double share = share_of(done, work_.total);
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
    text += "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] " + percent_text(share);
  } else {
    text += std::to_string(done) + " " + work_.unit;
  }
  text += "  " + rate_text(done, seconds, work_.unit);
  if (work_.total > 0 && done > 0) text += "  ETA " + time_left(done, work_.total, seconds);
  if (text.size() >= columns_) text.resize(columns_ > 0 ? columns_ - 1 : 0);
  return kLineStart + text;
}

std::string ProgressText::line(std::uint64_t done, double seconds) const {
  std::string text = work_.label + ": ";
  if (work_.total > 0) text += percent_text(share_of(done, work_.total)) + ", ";
  text += std::to_string(done);
  if (work_.total > 0) text += " of " + std::to_string(work_.total);
  text += " " + work_.unit + ", " + rate_text(done, seconds, work_.unit);
  if (work_.total > 0 && done > 0) text += ", " + time_left(done, work_.total, seconds) + " left";
  return text + "\n";
}

Progress::Progress(std::string label, std::uint64_t total, std::string unit, Mode mode)
    : mode_(mode),
      style_(::isatty(STDERR_FILENO) == 1 ? ProgressStyle::kBar : ProgressStyle::kLines),
      text_({.label = std::move(label), .total = total, .unit = std::move(unit)}, style_, terminal_columns()) {}

Progress::~Progress() {
  if (open_) std::fputs("\n", stderr);
}

void Progress::set(std::uint64_t done) {
  done_ = done;
  if (mode_ == Mode::kOff) return;
  const std::optional<std::string> text = text_.update(done_, seconds());
  if (!text) return;
  std::fputs(text->c_str(), stderr);
  std::fflush(stderr);
  open_ = style_ == ProgressStyle::kBar;
}

void Progress::finish() {
  if (std::exchange(mode_, Mode::kOff) == Mode::kOff) return;
  std::fputs(text_.finish(done_, seconds()).c_str(), stderr);
  std::fflush(stderr);
  open_ = false;
}

}  // namespace larimar::base

#include "eval/report/chart.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "common/base/svg.h"
#include "eval/report/mean.h"

namespace larimar::eval::report {
namespace {

using base::svg_format;

constexpr double kWidth = 372, kLeft = 56, kRight = 20, kTop = 52, kPlot = 190, kAxis = 46, kEntry = 18;
constexpr double kAcross = kWidth - kLeft - kRight;
constexpr double kLeastLogged = 1e-6;  // what a logarithmic axis shows of a zero

/// Where values fall on the paper.
class Frame {
 public:
  explicit Frame(const Chart& chart) : share_(chart.y_is_share) {
    double y_low = HUGE_VAL, y_high = kLeastLogged;
    for (const Line& line : chart.lines) {
      count_ += line.published ? 0 : 1;
      for (const Dot& dot : line.dots) {
        xs_.insert(dot.x);
        if (!line.published) measured_.insert(dot.x);
        y_low = std::min(y_low, std::max(dot.low, kLeastLogged));
        y_high = std::max(y_high, dot.high);
      }
    }
    if (share_) return;
    low_ = std::floor(std::log10(y_low));
    high_ = std::max(low_ + 1, std::ceil(std::log10(y_high)));
  }
  [[nodiscard]] double x(double value) const {
    const double first = std::log(*xs_.begin()), last = std::log(*xs_.rbegin());
    return first == last ? kLeft + kAcross / 2
                         : kLeft + 14 + (std::log(value) - first) / (last - first) * (kAcross - 28);
  }
  /// Systems measured at one length stand a little apart, so that their intervals do not hide each other.
  [[nodiscard]] double x(double value, std::size_t line) const {
    if (line >= count_) return x(value);  // published values have no interval
    const double step = std::min(6.0, 24.0 / static_cast<double>(count_));
    return x(value) + (static_cast<double>(line) - static_cast<double>(count_ - 1) / 2) * step;
  }
  [[nodiscard]] double y(double value) const {
    const double share = share_ ? value : (std::log10(std::max(value, kLeastLogged)) - low_) / (high_ - low_);
    return kTop + (1 - share) * kPlot;
  }
  [[nodiscard]] std::vector<double> y_ticks() const {
    if (share_) return {0, 0.25, 0.5, 0.75, 1};
    std::vector<double> ticks;
    for (double power = low_; power <= high_; ++power) ticks.push_back(std::pow(10.0, power));
    return ticks;
  }
  [[nodiscard]] const std::set<double>& lengths() const { return xs_; }
  [[nodiscard]] const std::set<double>& lengths(bool measured) const { return measured ? measured_ : xs_; }

 private:
  bool share_;
  std::size_t count_ = 0;  // measured lines
  std::set<double> xs_, measured_;
  double low_ = 0, high_ = 1;
};

std::string draw_axes(const Chart& chart, const Frame& frame) {
  std::string svg;
  for (const double tick : frame.y_ticks()) {
    svg += rule(kLeft, frame.y(tick), kLeft + kAcross, frame.y(tick));
    svg += label(kLeft - 8, frame.y(tick) + 4, "end", chart.y_text(tick), kMutedLook);
  }
  std::vector<double> named;  // where a number stands; those of measured lengths come first
  for (const bool measured : {true, false}) {
    for (const double length : frame.lengths(measured)) {
      const double x = frame.x(length);
      if (std::ranges::any_of(named, [x](double other) { return std::abs(x - other) < 36; })) continue;
      svg += label(x, kTop + kPlot + 17, "middle", tokens_text(length), kMutedLook);
      named.push_back(x);
    }
  }
  for (const double length : frame.lengths())
    svg += rule(frame.x(length), kTop + kPlot, frame.x(length), kTop + kPlot + 4);
  return svg + label(kLeft + kAcross, kTop + kPlot + 34, "end", "context length in tokens", kMutedLook);
}

std::string draw_line(const Line& line, std::size_t number, const Frame& frame) {
  std::string whiskers, marks, points;
  for (const Dot& dot : line.dots) {
    const double x = frame.x(dot.x, number), y = frame.y(dot.y);
    points += svg_format("%.1f,%.1f ", x, y);
    if (dot.high > dot.low)
      whiskers += svg_format("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" ", x, frame.y(dot.low), x,
                             frame.y(dot.high)) +
                  stroke(line.look, 1.4, false) + "/>\n";
    marks += mark(x, y, line.look, line.published);
  }
  if (!points.empty()) points.pop_back();
  std::string curve;
  if (line.dots.size() > 1)
    curve = "<polyline fill=\"none\" points=\"" + points + "\" " + stroke(line.look, 1.8, line.published) + "/>\n";
  return whiskers + curve + marks;
}

std::string draw_legend(const Chart& chart, double top) {
  std::string svg;
  for (const Line& line : chart.lines) {
    svg += mark(kLeft + 2, top - 4, line.look, line.published);
    svg += label(kLeft + 14, top, "start", shortened(line.name, 38) + (line.published ? " (published)" : ""));
    top += kEntry;
  }
  return svg;
}

}  // namespace

std::string draw_chart(const Chart& chart) {
  const Frame frame(chart);
  const double below = kTop + kPlot + kAxis;
  std::string svg = open_drawing(kWidth, below + 12 + kEntry * static_cast<double>(chart.lines.size()),
                                 chart.title + ": " + chart.y_title + " against context length");
  svg += label(12, 20, "start", shortened(chart.title, 44), kTitleLook) +
         label(12, 37, "start", chart.y_title, kMutedLook);
  svg += draw_axes(chart, frame);
  for (std::size_t i = 0; i < chart.lines.size(); ++i) svg += draw_line(chart.lines[i], i, frame);
  return svg + draw_legend(chart, below + 14) + close_drawing();
}

}  // namespace larimar::eval::report

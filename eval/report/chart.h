#pragma once
#include <functional>
#include <string>
#include <vector>

#include "eval/report/drawing.h"

namespace larimar::eval::report {

/// A measured value with its interval, or a published one whose interval is unknown (low == high == y).
struct Dot {
  double x = 0, y = 0, low = 0, high = 0;
};

/// A system's values over the lengths.
struct Line {
  std::string name;
  std::vector<Dot> dots;  // ascending by x
  std::size_t look = 0;   // number of the series, see mark()
  bool published = false;
};

/// Lines over context length, which is drawn by its logarithm.
struct Chart {
  std::string title;
  std::string y_title;
  std::vector<Line> lines;                    // measured ones first
  bool y_is_share = true;                     // 0 to 1; else by the logarithm, over whole decades
  std::function<std::string(double)> y_text;  // of a tick
};

/// The chart with a legend below it: hollow and dashed is published. Needs at least one dot, and all x above 0. Local.
[[nodiscard]] std::string draw_chart(const Chart& chart);

}  // namespace larimar::eval::report

#include "eval/report/heatmap.h"

#include <algorithm>
#include <set>

#include "common/base/svg.h"
#include "eval/report/markup.h"

namespace larimar::eval::report {
namespace {

using base::svg_format;

constexpr double kCellWidth = 58, kCellHeight = 34, kLeft = 58, kTop = 52, kBottom = 78, kRight = 14, kLeast = 372;

/// The depths of a task over all systems, ascending.
std::set<double> depths_of(const Findings& findings, const Task& task) {
  std::set<double> depths;
  for (const auto& [key, grid] : findings.grids) {
    if (key.second != task) continue;
    for (const auto& [length, column] : grid) {
      for (const auto& [depth, cell] : column) depths.insert(depth);
    }
  }
  return depths;
}

std::string draw_cell(double x, double y, const Mean& mean, Scale scale, const std::string& where) {
  const std::string box = svg_format("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\"", x + 1,
                                     y + 1, kCellWidth - 2, kCellHeight - 2);
  const double middle = x + kCellWidth / 2;
  if (mean.n == 0) {
    return "<g><title>" + where + ": not run</title>" + box + " class=\"empty\" fill=\"#eef1f4\"/>" +
           svg_format("<line class=\"rule\" stroke=\"#c2c9d1\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/></g>\n",
                      x + 5, y + kCellHeight - 5, x + kCellWidth - 5, y + 5);
  }
  const Colour ground = colour_at(scale, mean.value());
  const std::string ink = "class=\"cell\" fill=\"" + hex(text_on(ground)) + "\" font-size=";
  return "<g><title>" + where +
         svg_format(": %.4f, n = %zu, 95 %% interval %.2f to %.2f", mean.value(), mean.n, mean.low(), mean.high()) +
         "</title>" + box + " fill=\"" + hex(ground) + "\"/>\n" +
         label(middle, y + 16, "middle", share_text(mean.value()), ink + "\"12.5\" font-weight=\"600\"") +
         label(middle, y + 27.5, "middle", svg_format("n=%zu", mean.n), ink + "\"9\"") + "</g>\n";
}

std::string draw_scale(double x, double y, Scale scale) {
  constexpr int kSteps = 20;
  std::string svg = label(x - 6, y + 9, "end", "0", kMutedLook);
  for (int i = 0; i < kSteps; ++i) {
    svg += svg_format("<rect x=\"%.1f\" y=\"%.1f\" width=\"5.2\" height=\"10\" fill=\"%s\"/>\n", x + 5.0 * i, y,
                      hex(colour_at(scale, (i + 0.5) / kSteps)).c_str());
  }
  svg += label(x + 5.0 * kSteps + 6, y + 9, "start", "1 recall", kMutedLook);
  svg +=
      svg_format("<rect class=\"empty\" x=\"%.1f\" y=\"%.1f\" width=\"16\" height=\"10\" rx=\"2\" fill=\"#eef1f4\"/>\n",
                 x + 172, y);
  svg += svg_format("<line class=\"rule\" stroke=\"#c2c9d1\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                    x + 174, y + 8.5, x + 186, y + 1.5);
  return svg + label(x + 193, y + 9, "start", "not run", kMutedLook);
}

std::string to_csv(const std::string& system, const Task& task, const Grid& grid) {
  std::string csv = "system,task,length,depth_percent,n,recall,low,high\n";
  for (const auto& [length, column] : grid) {
    for (const auto& [depth, mean] : column) {
      csv += csv_field(system) + "," + csv_field(task.label()) + "," + std::to_string(length) +
             svg_format(",%.6g,%zu,%.6f,%.6f,%.6f\n", depth, mean.n, mean.value(), mean.low(), mean.high());
    }
  }
  return csv;
}

}  // namespace

Figure draw_heatmap(const Findings& findings, const std::string& system, const Task& task, Scale scale) {
  const Grid& grid = findings.grids.at({system, task});
  const auto lengths = lengths_of(findings, &task);
  const std::set<double> depths = depths_of(findings, task);
  const double across = kCellWidth * static_cast<double>(lengths.size());
  const double down = kCellHeight * static_cast<double>(depths.size());
  const double width = std::max(kLeast, kLeft + across + kRight);
  const double left = kLeft, bottom = kTop + down;
  std::string svg =
      open_drawing(width, bottom + kBottom, system + ": " + task.label() + ", recall by depth and length");
  svg += label(12, 20, "start", shortened(system, 44), kTitleLook) +
         label(12, 37, "start", shortened(task.label(), 50), kMutedLook);
  double y = kTop;
  for (const double depth : depths) {
    const std::string percent = svg_format("%.3g %%", depth);
    svg += label(left - 7, y + kCellHeight / 2 + 4, "end", percent, kMutedLook);
    double x = left;
    for (const std::uint64_t length : lengths) {
      const auto column = grid.find(length);
      const bool known = column != grid.end() && column->second.contains(depth);
      svg += draw_cell(x, y, known ? column->second.at(depth) : Mean{}, scale,
                       std::to_string(length) + " tokens, depth " + percent);
      x += kCellWidth;
    }
    y += kCellHeight;
  }
  double x = left + kCellWidth / 2;
  for (const std::uint64_t length : lengths) {
    svg += label(x, bottom + 17, "middle", tokens_text(static_cast<double>(length)), kMutedLook);
    x += kCellWidth;
  }
  svg += label(12, bottom + 36, "start", "across: context length in tokens; down: depth of the needle", kMutedLook);
  svg += draw_scale(left + 6, bottom + 52, scale);
  return {"", system + ", " + task.label(), svg + close_drawing(), to_csv(system, task, grid)};
}

}  // namespace larimar::eval::report

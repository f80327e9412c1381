#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "common/base/svg.h"
#include "eval/capacity_report.h"

namespace larimar::eval {
namespace {

using base::svg_format;
using base::svg_text;
using linalg::Index;
using Curve = std::map<Index, double>;  // recall by N

constexpr int kPanel = 178, kGap = 26, kLeft = 44, kTop = 66, kRow = 236;
constexpr std::array<const char*, 6> kColours{"#0b62a4", "#2a9d59", "#d9822b", "#b5323e", "#7b4fa3", "#8a6d3b"};
constexpr const char* kStoredColour = "#9aa0a6";

/// The rows of one source, and the axis that its panels share.
struct Drawing {
  std::vector<CapacityRow> rows{};
  std::vector<std::string> keys{};
  std::vector<Index> slots{};
  std::vector<Index> facts{};

  [[nodiscard]] double x(Index count) const {
    const double low = std::log2(static_cast<double>(facts.front())),
                 high = std::log2(static_cast<double>(facts.back()));
    return high == low ? 0.0 : (std::log2(static_cast<double>(count)) - low) / (high - low) * kPanel;
  }
  [[nodiscard]] Curve curve(const std::string& key, MemoryKind kind, Index count, const std::string& measure) const {
    Curve found;
    for (const CapacityRow& row : rows) {
      if (row.keys == key && row.memory == name_of(kind) && row.measure == measure && row.asked == "written" &&
          (kind == MemoryKind::kStored || row.slots == count))
        found[row.facts] = row.recall.value();
    }
    return found;
  }
  [[nodiscard]] bool is_decoded() const {
    return std::ranges::any_of(rows, [](const CapacityRow& row) { return row.measure == "decoded"; });
  }
};

Drawing collect(std::span<const CapacityRow> rows, const std::string& source) {
  Drawing drawing;
  std::set<std::string> keys;
  std::set<Index> slots, facts;
  for (const CapacityRow& row : rows) {
    if (row.source != source) continue;
    drawing.rows.push_back(row);
    facts.insert(row.facts);
    if (row.keys.empty()) continue;
    keys.insert(row.keys);
    if (row.memory != name_of(MemoryKind::kStored)) slots.insert(row.slots);
  }
  drawing.keys.assign(keys.begin(), keys.end());
  drawing.slots.assign(slots.begin(), slots.end());
  drawing.facts.assign(facts.begin(), facts.end());
  return drawing;
}

std::string draw_curve(const Curve& curve, const Drawing& drawing, double left, double top, const char* colour,
                       bool dashed) {
  if (curve.empty()) return "";
  std::string points, dots;
  for (const auto& [count, value] : curve) {
    const double x = left + drawing.x(count), y = top + (1.0 - value) * kPanel;
    points += svg_format("%.1f,%.1f ", x, y);
    if (!dashed) dots += svg_format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" fill=\"%s\"/>\n", x, y, colour);
  }
  points.pop_back();
  return svg_format("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"%s points=\"", colour,
                    dashed ? " stroke-dasharray=\"5 3\"" : "") +
         points + "\"/>\n" + dots;
}

std::string draw_axes(const Drawing& drawing, double left, double top, bool first) {
  std::string svg;
  for (const double value : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const double y = top + (1.0 - value) * kPanel;
    svg += svg_format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e5e8\"/>\n", left,
                      left + kPanel, y, y);
    if (first) svg += svg_text(left - 6, y + 4, "end", svg_format("%g", value));
  }
  double behind = -100.0;  // where the last number ends
  for (const Index count : drawing.facts) {
    const double x = left + drawing.x(count);
    if (x - behind < 30.0) continue;
    svg += svg_text(x, top + kPanel + 16, "middle", std::to_string(count));
    behind = x;
  }
  return svg;
}

std::string draw_legend(const Drawing& drawing) {
  std::string svg = svg_text(kLeft, 42, "start", "slots K:");
  double x = kLeft + 56;
  const auto entry = [&](const std::string& name, const char* colour) {
    svg += svg_format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"38\" y2=\"38\" stroke=\"%s\" stroke-width=\"3\"/>\n", x,
                      x + 18, colour);
    svg += svg_text(x + 23, 42, "start", name);
    x += 33.0 + 7.5 * static_cast<double>(name.size());
  };
  for (std::size_t i = 0; i < drawing.slots.size(); ++i)
    entry(std::to_string(drawing.slots[i]), kColours[i % kColours.size()]);
  entry("stored keys (K = N)", kStoredColour);
  return svg + svg_text(x + 10, 42, "start",
                        std::string("solid: recalled, dashed: ") + (drawing.is_decoded() ? "decoded" : "exact"));
}

std::string draw_panel(const Drawing& drawing, const std::string& key, MemoryKind kind, double left, double top) {
  std::string svg =
      draw_curve(drawing.curve(key, MemoryKind::kStored, 0, "recalled"), drawing, left, top, kStoredColour, false);
  for (std::size_t i = 0; i < drawing.slots.size(); ++i) {
    const char* colour = kColours[i % kColours.size()];
    svg += draw_curve(drawing.curve(key, kind, drawing.slots[i], "recalled"), drawing, left, top, colour, false);
    svg += draw_curve(drawing.curve(key, kind, drawing.slots[i], drawing.is_decoded() ? "decoded" : "exact"), drawing,
                      left, top, colour, true);
  }
  const bool diverged = std::ranges::any_of(drawing.rows, [&](const CapacityRow& row) {
    return row.keys == key && row.memory == name_of(kind) && row.status == "diverged";
  });
  const std::string title = std::string(name_of(kind)) + (diverged ? " (diverged where no dot)" : "");
  return svg + svg_text(left, top - 8, "start", title);
}

}  // namespace

std::string draw_capacity(std::span<const CapacityRow> rows, const std::string& source) {
  const Drawing drawing = collect(rows, source);
  const auto kinds = all_memory_kinds().first(all_memory_kinds().size() - 1);  // stored keys stand in every panel
  const int width = kLeft + static_cast<int>(kinds.size()) * (kPanel + kGap);
  const int height = kTop + static_cast<int>(std::max<std::size_t>(1, drawing.keys.size())) * kRow;
  std::string svg = base::svg_open(width, height);
  svg += svg_text(kLeft, 22, "start", "Recall over the number of facts N: " + source);
  svg += draw_legend(drawing);
  for (std::size_t row = 0; row < drawing.keys.size(); ++row) {
    const double top = kTop + 26.0 + static_cast<double>(row) * kRow;
    svg += svg_text(kLeft, top - 26, "start", drawing.keys[row] + " keys");
    for (std::size_t column = 0; column < kinds.size(); ++column) {
      const double left = kLeft + static_cast<double>(column) * (kPanel + kGap);
      svg += draw_axes(drawing, left, top, column == 0);
      svg += draw_panel(drawing, drawing.keys[row], kinds[column], left, top);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace larimar::eval

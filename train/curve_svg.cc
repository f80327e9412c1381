#include "train/curve_svg.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "common/base/file.h"
#include "common/base/svg.h"

namespace larimar::train {
namespace {

using Curve = std::map<std::int64_t, double>;  // by step

struct Panel {
  const char* title;
  const char* field;
  bool logarithmic;
  Curve train, valid;
};

struct Scale {
  double low, high;  // of what is drawn: steps, values or logarithms of values
  double from, to;   // pixels
  [[nodiscard]] double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

constexpr int kWidth = 760, kPanelHeight = 210, kTop = 34;
constexpr double kLeft = 64, kRight = 20, kPanelTop = 30, kPanelBottom = 36;
constexpr std::size_t kMaxPoints = 1000;  // of one line; more cannot be told apart
constexpr const char* kTrainColour = "#8a8f98";
constexpr const char* kValidColour = "#0b62a4";

void add_line(std::string_view line, std::vector<Panel>& panels) {
  const auto value = nlohmann::json::parse(line, nullptr, false);
  if (!value.is_object()) return;
  const auto kind = value.find("kind"), step = value.find("step");
  if (kind == value.end() || step == value.end() || !step->is_number_integer()) return;
  for (Panel& panel : panels) {
    const auto found = value.find(panel.field);
    if (found == value.end() || !found->is_number()) continue;  // a loss that is not finite is written as null
    const double number = found->get<double>();
    if (!std::isfinite(number) || (panel.logarithmic && number <= 0.0)) continue;
    if (*kind == "train") panel.train[step->get<std::int64_t>()] = number;
    if (*kind == "valid") panel.valid[step->get<std::int64_t>()] = number;
  }
}

// 1, 2 or 5 times a power of ten, so that about `parts` of them fill the range.
double tick_distance(double range, double parts) {
  const double raw = range / parts, power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10.0 * power;
}

// A logarithmic axis reaches from one power of ten to another, the others from 0 to 1.
Scale value_scale(const Panel& panel, double top) {
  const double bottom = top + kPanelHeight - kPanelTop - kPanelBottom;
  if (!panel.logarithmic) return {0.0, 1.0, bottom, top};
  double low = 0.0, high = 1.0;
  for (const Curve* curve : {&panel.train, &panel.valid}) {
    for (const auto& [step, value] : *curve) {
      low = std::min(low, std::floor(std::log10(value)));
      high = std::max(high, std::ceil(std::log10(value)));
    }
  }
  return {low, high, bottom, top};
}

std::string grid(const Panel& panel, const Scale& steps, const Scale& values) {
  std::string svg;
  const double distance = panel.logarithmic ? 1.0 : 0.25;
  for (double tick = values.low; tick <= values.high + 1e-9; tick += distance) {
    const double y = values(tick);
    svg += base::svg_format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e5e8\"/>\n", steps.from,
                            steps.to, y, y);
    svg += base::svg_text(steps.from - 8, y + 4, "end",
                          base::svg_format("%g", panel.logarithmic ? std::pow(10.0, tick) : tick));
  }
  const double step = tick_distance(steps.high - steps.low, 6);
  for (double tick = 0; tick <= steps.high + 1e-9; tick += step) {
    svg += base::svg_text(steps(tick), values.from + 18, "middle", base::svg_format("%.0f", tick));
  }
  return svg;
}

std::string polyline(const Curve& curve, const Panel& panel, const Scale& steps, const Scale& values,
                     const char* colour, bool dots) {
  if (curve.empty()) return "";
  const std::size_t stride = (curve.size() + kMaxPoints - 1) / kMaxPoints;
  std::string line, circles;
  std::size_t index = 0;
  for (const auto& [step, value] : curve) {
    if (index++ % stride != 0 && index != curve.size()) continue;
    const double x = steps(static_cast<double>(step)), y = values(panel.logarithmic ? std::log10(value) : value);
    line += base::svg_format("%.1f,%.1f ", x, y);
    if (dots) circles += base::svg_format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" fill=\"%s\"/>\n", x, y, colour);
  }
  line.pop_back();
  return base::svg_format("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", colour) + line +
         "\"/>\n" + circles;
}

std::string last_values(const Panel& panel) {
  std::string text;
  if (!panel.train.empty()) text += base::svg_format("training %.4f", panel.train.rbegin()->second);
  if (!panel.valid.empty())
    text += base::svg_format("%svalidation %.4f", text.empty() ? "" : ", ", panel.valid.rbegin()->second);
  return text.empty() ? "no values yet" : text;
}

}  // namespace

std::string draw_curves(const std::filesystem::path& metrics) {
  const base::MappedFile file(metrics);
  std::vector<Panel> panels{{"Loss", "loss", true, {}, {}},
                            {"Token accuracy", "token_accuracy", false, {}, {}},
                            {"Whole segments exact", "segments_exact", false, {}, {}}};
  std::int64_t last_step = 1;
  for (std::string_view rest = file.text(); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    add_line(rest.substr(0, end), panels);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const Panel& panel : panels) {
    for (const Curve* curve : {&panel.train, &panel.valid}) {
      if (!curve->empty()) last_step = std::max(last_step, curve->rbegin()->first);
    }
  }
  const int height = kTop + kPanelHeight * static_cast<int>(panels.size());
  std::string svg = base::svg_open(kWidth, height);
  svg += base::svg_format(
      "<text x=\"%.1f\" y=\"22\" fill=\"%s\">training</text>\n<text x=\"%.1f\" y=\"22\" "
      "fill=\"%s\">validation</text>\n",
      kLeft, kTrainColour, kLeft + 70, kValidColour);
  svg += base::svg_text(kWidth - kRight, 22, "end", "over optimiser steps");
  const Scale steps{0.0, static_cast<double>(last_step), kLeft, kWidth - kRight};
  double top = kTop + kPanelTop;
  for (const Panel& panel : panels) {
    const Scale values = value_scale(panel, top);
    svg += base::svg_text(kLeft, top - 10, "start", panel.title);
    svg += base::svg_text(kWidth - kRight, top - 10, "end", last_values(panel));
    svg += grid(panel, steps, values);
    svg += polyline(panel.train, panel, steps, values, kTrainColour, false);
    svg += polyline(panel.valid, panel, steps, values, kValidColour, true);
    top += kPanelHeight;
  }
  return svg + "</svg>\n";
}

}  // namespace larimar::train

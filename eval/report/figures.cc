#include "eval/report/figures.h"

#include <algorithm>

#include "common/base/svg.h"
#include "eval/report/chart.h"
#include "eval/report/comparison.h"
#include "eval/report/heatmap.h"
#include "eval/report/markup.h"

namespace larimar::eval::report {
namespace {

using base::svg_format;

constexpr const char* kSummaryHead = "task,length,system,origin,n,recall,low,high,source\n";

/// Lines of the summary; of one task and one length where these are given.
std::string summary_lines(const Findings& findings, const std::string* task, const std::uint64_t* length) {
  std::string csv = kSummaryHead;
  for (const Task& measured : findings.tasks) {
    if (task != nullptr && measured.label() != *task) continue;
    for (const std::uint64_t tokens : lengths_of(findings, &measured)) {
      if (length != nullptr && tokens != *length) continue;
      for (const std::string& system : findings.systems) {
        const Mean mean = total(findings, system, measured, tokens);
        if (mean.n == 0) continue;
        csv += csv_field(measured.label()) + "," + std::to_string(tokens) + "," + csv_field(system) +
               svg_format(",measured,%zu,%.6f,%.6f,%.6f,\n", mean.n, mean.value(), mean.low(), mean.high());
      }
    }
  }
  for (const PublishedRow& row : findings.published) {
    if ((task != nullptr && row.task != *task) || (length != nullptr && row.length != *length)) continue;
    csv += csv_field(row.task) + "," + std::to_string(row.length) + "," + csv_field(row.system) +
           svg_format(",published,,%.6f,,,", row.value) + csv_field(row.source) + "\n";
  }
  return csv;
}

std::vector<Figure> draw_comparisons(const Findings& findings) {
  std::vector<Figure> figures;
  for (const std::uint64_t length : lengths_of(findings)) {
    figures.push_back({svg_format("systems-%02zu-", figures.size() + 1) + std::to_string(length) + "-tokens",
                       "All systems at " + std::to_string(length) + " tokens", draw_comparison(findings, length),
                       summary_lines(findings, nullptr, &length)});
  }
  return figures;
}

Line measured_line(const Findings& findings, const std::string& system, const Task& task) {
  Line line{system, {}, look_of(findings, system, false), false};
  for (const std::uint64_t length : lengths_of(findings, &task)) {
    const Mean mean = total(findings, system, task, length);
    if (mean.n > 0) line.dots.push_back({static_cast<double>(length), mean.value(), mean.low(), mean.high()});
  }
  return line;
}

Line published_line(const Findings& findings, const std::string& system, const std::string& task) {
  Line line{system, {}, look_of(findings, system, true), true};
  for (const PublishedRow& row : findings.published) {
    if (row.system == system && row.task == task)
      line.dots.push_back({static_cast<double>(row.length), row.value, row.value, row.value});
  }
  std::ranges::stable_sort(line.dots, {}, &Dot::x);
  return line;
}

std::vector<Figure> draw_curves(const Findings& findings) {
  std::vector<Figure> figures;
  for (const Task& task : findings.tasks) {
    const std::string name = task.label();
    Chart chart{name, "recall", {}, true, [](double tick) { return svg_format("%g", tick); }};
    const auto keep = [&chart](Line line) {
      if (!line.dots.empty()) chart.lines.push_back(std::move(line));
    };
    for (const std::string& system : findings.systems) keep(measured_line(findings, system, task));
    for (const std::string& system : published_systems(findings)) keep(published_line(findings, system, name));
    figures.push_back({svg_format("recall-%02zu-", figures.size() + 1) + slug(name), name + ", recall against length",
                       draw_chart(chart), summary_lines(findings, &name, nullptr)});
  }
  return figures;
}

std::vector<Figure> draw_heatmaps(const Findings& findings, Scale scale) {
  std::vector<Figure> figures;
  for (const Task& task : findings.tasks) {
    for (const std::string& system : findings.systems) {
      if (!findings.grids.contains({system, task})) continue;
      Figure figure = draw_heatmap(findings, system, task, scale);
      figure.name = svg_format("heatmap-%02zu-", figures.size() + 1) + slug(system + " " + task.label());
      figures.push_back(std::move(figure));
    }
  }
  return figures;
}

std::string seconds_text(double seconds) {
  if (seconds < 0.9995e-3) return svg_format("%.3g us", seconds * 1e6);
  return seconds < 0.9995 ? svg_format("%.3g ms", seconds * 1e3) : svg_format("%.4g s", seconds);
}

std::string bytes_text(double bytes) {
  return bytes < 1e9 ? svg_format("%.3g MB", bytes / 1e6) : svg_format("%.3g GB", bytes / 1e9);
}

Figure draw_latency(const Findings& findings) {
  Chart chart{"Time of a trial", "seconds: median, and the middle half of the trials", {}, false, seconds_text};
  std::string csv = "system,length,n,first_quartile_seconds,median_seconds,third_quartile_seconds\n";
  for (const std::string& system : findings.systems) {
    Line line{system, {}, look_of(findings, system, false), false};
    for (const std::uint64_t length : lengths_of(findings)) {
      const auto found = findings.seconds.find({system, length});
      if (found == findings.seconds.end()) continue;
      const std::vector<double>& seconds = found->second;
      const double low = quantile(seconds, 0.25), middle = quantile(seconds, 0.5), high = quantile(seconds, 0.75);
      line.dots.push_back({static_cast<double>(length), middle, low, high});
      csv += csv_field(system) + "," + std::to_string(length) +
             svg_format(",%zu,%.6f,%.6f,%.6f\n", seconds.size(), low, middle, high);
    }
    if (!line.dots.empty()) chart.lines.push_back(std::move(line));
  }
  return {"latency", "Time of a trial against length", draw_chart(chart), csv};
}

Figure draw_memory(const Findings& findings) {
  Chart chart{"Peak memory", "resident bytes of the first job", {}, false, bytes_text};
  std::string csv = "system,tokens,ranks,largest_rank_bytes,all_ranks_bytes\n";
  const auto line_of = [&chart](const std::string& name) -> Line& {
    const auto known = std::ranges::find(chart.lines, name, &Line::name);
    if (known != chart.lines.end()) return *known;
    chart.lines.push_back({name, {}, chart.lines.size(), false});
    return chart.lines.back();
  };
  for (const Cost& cost : findings.costs) {
    const auto x = static_cast<double>(cost.tokens);
    const double largest = cost.largest_rank_bytes, all = cost.all_ranks_bytes;
    line_of(cost.system + ", largest rank").dots.push_back({x, largest, largest, largest});
    line_of(cost.system + ", all ranks").dots.push_back({x, all, all, all});
    csv += csv_field(cost.system) +
           svg_format(",%llu,%zu,%.0f,%.0f\n", static_cast<unsigned long long>(cost.tokens), cost.ranks, largest, all);
  }
  return {"memory", "Peak memory against length", draw_chart(chart), csv};
}

}  // namespace

std::vector<const Figure*> Figures::all() const {
  std::vector<const Figure*> figures;
  for (const std::vector<Figure>* section : {&comparisons, &curves, &heatmaps, &costs}) {
    for (const Figure& figure : *section) figures.push_back(&figure);
  }
  return figures;
}

Figures draw_figures(const Findings& findings, Scale scale) {
  Figures figures{draw_comparisons(findings), draw_curves(findings), draw_heatmaps(findings, scale), {}};
  figures.costs.push_back(draw_latency(findings));
  if (!findings.costs.empty()) figures.costs.push_back(draw_memory(findings));
  return figures;
}

std::string summary_csv(const Findings& findings) { return summary_lines(findings, nullptr, nullptr); }

}  // namespace larimar::eval::report

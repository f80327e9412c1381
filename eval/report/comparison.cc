#include "eval/report/comparison.h"

#include <algorithm>

#include "common/base/svg.h"
#include "eval/report/drawing.h"

namespace larimar::eval::report {
namespace {

using base::svg_format;

constexpr double kWidth = 372, kLeft = 22, kRight = 60, kTop = 50, kStep = 15, kHead = 22, kEntry = 18;
constexpr double kAcross = kWidth - kLeft - kRight;

struct Entry {
  Mean mean;  // n == 0: published
  double value = 0;
  std::size_t look = 0;
};

std::vector<Entry> entries_of(const Findings& findings, const Task& task, std::uint64_t length) {
  std::vector<Entry> entries;
  for (const std::string& system : findings.systems) {
    const Mean mean = total(findings, system, task, length);
    if (mean.n > 0) entries.push_back({mean, mean.value(), look_of(findings, system, false)});
  }
  for (const PublishedRow& row : findings.published) {
    if (row.length == length && row.task == task.label())
      entries.push_back({{}, row.value, look_of(findings, row.system, true)});
  }
  return entries;
}

double x_of(double share) { return kLeft + share * kAcross; }

std::string draw_entry(const Entry& entry, double y) {
  std::string svg;
  const bool published = entry.mean.n == 0;
  if (!published)
    svg += svg_format("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" ", x_of(entry.mean.low()), y,
                      x_of(entry.mean.high()), y) +
           stroke(entry.look, 1.6, false) + "/>\n";
  svg += mark(x_of(entry.value), y, entry.look, published);
  return svg + label(kWidth - 12, y + 4, "end", share_text(entry.value), kMutedLook);
}

std::string draw_task(const std::string& name, const std::vector<Entry>& entries, double top) {
  const double bottom = top + kHead + kStep * static_cast<double>(entries.size());
  std::string svg = label(kLeft - 10, top + 12, "start", shortened(name, 48));
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0})
    svg += rule(x_of(tick), top + kHead - 3, x_of(tick), bottom - 2);
  double y = top + kHead + kStep / 2 - 2;
  for (const Entry& entry : entries) {
    svg += draw_entry(entry, y);
    y += kStep;
  }
  return svg;
}

std::string draw_legend(const Findings& findings, const std::vector<std::string>& published, double top) {
  std::string svg;
  const auto entry = [&](const std::string& name, bool is_published) {
    svg += mark(kLeft, top - 4, look_of(findings, name, is_published), is_published);
    svg += label(kLeft + 14, top, "start", shortened(name, 42) + (is_published ? " (published)" : ""));
    top += kEntry;
  };
  for (const std::string& name : findings.systems) entry(name, false);
  for (const std::string& name : published) entry(name, true);
  return svg;
}

}  // namespace

std::vector<std::string> published_systems(const Findings& findings) {
  std::vector<std::string> names;
  for (const PublishedRow& row : findings.published) {
    if (std::ranges::find(names, row.system) == names.end()) names.push_back(row.system);
  }
  return names;
}

std::size_t look_of(const Findings& findings, const std::string& system, bool published) {
  const std::vector<std::string> names = published ? published_systems(findings) : findings.systems;
  const auto place = static_cast<std::size_t>(std::ranges::find(names, system) - names.begin());
  return place + (published ? findings.systems.size() : 0);
}

std::vector<std::string> all_task_labels(const Findings& findings) {
  std::vector<std::string> labels;
  const auto add = [&labels](const std::string& label) {
    if (std::ranges::find(labels, label) == labels.end()) labels.push_back(label);
  };
  for (const Task& task : findings.tasks) add(task.label());
  for (const PublishedRow& row : findings.published) add(row.task);
  return labels;
}

std::string draw_comparison(const Findings& findings, std::uint64_t length) {
  std::string body;
  double y = kTop;
  std::vector<std::string> published;
  for (const PublishedRow& row : findings.published) {
    if (row.length == length && std::ranges::find(published, row.system) == published.end())
      published.push_back(row.system);
  }
  for (const Task& task : findings.tasks) {
    const std::vector<Entry> entries = entries_of(findings, task, length);
    if (entries.empty()) continue;
    body += draw_task(task.label(), entries, y);
    y += kHead + kStep * static_cast<double>(entries.size()) + 6;
  }
  for (const double tick : {0.0, 0.5, 1.0})
    body += label(x_of(tick), y + 12, "middle", svg_format("%g", tick), kMutedLook);
  const double legend = kEntry * static_cast<double>(findings.systems.size() + published.size());
  const std::string title = "All systems at " + tokens_text(static_cast<double>(length)) + " tokens";
  return open_drawing(kWidth, y + 44 + legend, title) + label(12, 20, "start", title, kTitleLook) +
         label(12, 37, "start", "recall, with 95 % intervals", kMutedLook) + body +
         draw_legend(findings, published, y + 40) + close_drawing();
}

}  // namespace larimar::eval::report

#include "eval/report/page.h"

#include <algorithm>
#include <set>

#include "common/base/svg.h"
#include "eval/report/comparison.h"
#include "eval/report/markup.h"

namespace larimar::eval::report {
namespace {

using base::svg_format;

std::string text_of(const std::string& text) { return "<bdi>" + escape(text) + "</bdi>"; }

std::string bar(double share) {
  return svg_format("<span class=\"bar\"><i style=\"width:%.1f%%\"></i></span>", 100 * share);
}

std::string measured_cell(const Mean& mean) {
  if (mean.n == 0) return "<td class=\"muted\">not run</td>";
  return "<td><b>" + share_text(mean.value()) + "</b>" + bar(mean.value()) +
         svg_format("<small>%.2f to %.2f, n = %zu</small></td>", mean.low(), mean.high(), mean.n);
}

std::string published_cell(const Findings& findings, const std::string& task, std::uint64_t length) {
  std::string cell;
  for (const PublishedRow& row : findings.published) {
    if (row.task == task && row.length == length)
      cell += "<span><b>" + share_text(row.value) + "</b> " + text_of(row.system) + "</span>";
  }
  return "<td class=\"published\">" + cell + "</td>";
}

std::set<std::uint64_t> table_lengths(const Findings& findings, const std::string& label) {
  std::set<std::uint64_t> lengths;
  for (const Task& task : findings.tasks) {
    if (task.label() != label) continue;
    for (const std::uint64_t length : lengths_of(findings, &task)) lengths.insert(length);
  }
  for (const PublishedRow& row : findings.published) {
    if (row.task == label) lengths.insert(row.length);
  }
  return lengths;
}

Mean measured(const Findings& findings, const std::string& system, const std::string& label, std::uint64_t length) {
  Mean mean;
  for (const Task& task : findings.tasks) {
    if (task.label() == label) mean.add(total(findings, system, task, length));
  }
  return mean;
}

std::string summary_group(const Findings& findings, const std::string& task) {
  const std::set<std::uint64_t> lengths = table_lengths(findings, task);
  std::string html = "<tbody>\n<tr><th scope=\"rowgroup\" rowspan=\"" + std::to_string(lengths.size()) + "\">" +
                     text_of(task) + "</th>";
  const char* row_begin = "";
  for (const std::uint64_t length : lengths) {
    html += row_begin;
    html += "<td class=\"number\" title=\"" + std::to_string(length) + " tokens\">" +
            tokens_text(static_cast<double>(length)) + "</td>";
    for (const std::string& system : findings.systems) html += measured_cell(measured(findings, system, task, length));
    if (!findings.published.empty()) html += published_cell(findings, task, length);
    html += "</tr>\n";
    row_begin = "<tr>";
  }
  return html + "</tbody>\n";
}

std::string summary_table(const Findings& findings) {
  std::string html =
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"summary\">\n<thead><tr><th scope=\"col\">task</th>"
      "<th scope=\"col\" class=\"number\">tokens</th>";
  for (const std::string& system : findings.systems) html += "<th scope=\"col\">" + text_of(system) + "</th>";
  if (!findings.published.empty()) html += "<th scope=\"col\" class=\"published\">published, not measured here</th>";
  html += "</tr></thead>\n";
  for (const std::string& task : all_task_labels(findings)) html += summary_group(findings, task);
  return html + "</table></div>\n";
}

std::string sources(const Findings& findings) {
  std::set<std::string> seen;
  std::string html;
  for (const PublishedRow& row : findings.published) {
    if (seen.insert(row.source).second) html += (html.empty() ? "" : "; ") + text_of(row.source);
  }
  return html.empty()
             ? ""
             : "<p class=\"muted\">Numbers in italics are published by others and were not measured here: " + html +
                   ".</p>\n";
}

std::string section(const std::string& id, const std::string& heading, const std::string& about,
                    const std::vector<Figure>& figures) {
  if (figures.empty()) return "";
  std::string html =
      "<h2 id=\"" + id + "\">" + heading + "</h2>\n<p class=\"muted\">" + about + "</p>\n<div class=\"figures\">\n";
  for (const Figure& figure : figures) {
    const bool wide = figure.svg.find("width=\"3") == std::string::npos;  // drawings up to 399 fit a column
    html += std::string("<figure") + (wide ? " class=\"wide\"" : "") + "><div>\n" + figure.svg + "</div><figcaption>" +
            text_of(figure.caption) + ": <a href=\"" + figure.name + ".csv\">data</a>, <a href=\"" + figure.name +
            ".svg\">drawing</a></figcaption></figure>\n";
  }
  return html + "</div>\n";
}

std::string cost_table(const Findings& findings) {
  if (findings.costs.empty()) return "";
  std::set<std::string> phases;
  for (const Cost& cost : findings.costs) {
    for (const auto& [phase, seconds] : cost.seconds) phases.insert(phase);
  }
  std::string html =
      "<p class=\"muted\">The first job of each evaluation, which reads the whole context: seconds by phase.</p>\n"
      "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">system</th>"
      "<th scope=\"col\" class=\"number\">tokens</th><th scope=\"col\" class=\"number\">ranks</th>"
      "<th scope=\"col\" class=\"number\">largest rank</th><th scope=\"col\" class=\"number\">all ranks</th>";
  for (const std::string& phase : phases) html += "<th scope=\"col\" class=\"number\">" + text_of(phase) + "</th>";
  html += "</tr></thead>\n<tbody>\n";
  for (const Cost& cost : findings.costs) {
    html += "<tr><th scope=\"row\">" + text_of(cost.system) + "</th><td class=\"number\">" +
            tokens_text(static_cast<double>(cost.tokens)) +
            svg_format(
                "</td><td class=\"number\">%zu</td><td class=\"number\">%.0f MB</td><td class=\"number\">%.0f MB</td>",
                cost.ranks, cost.largest_rank_bytes / 1e6, cost.all_ranks_bytes / 1e6);
    for (const std::string& phase : phases) {
      const auto found = cost.seconds.find(phase);
      html +=
          "<td class=\"number\">" + (found == cost.seconds.end() ? "" : svg_format("%.3g", found->second)) + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

const char* what_counts(ScoreKind score) {
  switch (score) {
    case ScoreKind::kRetrieval:
      return "A trial counts 1 if the segment that was read first is the one that holds the needle, and 0 otherwise; "
             "the wording of the "
             "answer plays no part.";
    case ScoreKind::kWording:
      return "A trial counts 1 if the expected string stands in the answer, and 0 otherwise; a number inside a longer "
             "number does not "
             "count.";
    case ScoreKind::kValue:
      break;
  }
  return "A trial counts its own score, from 0 to 1: for one expected string 1 if it stands in the answer, a number "
         "inside a longer number "
         "excepted; where several are expected, the share that was found.";
}

std::string method(const Findings& findings, const PageTexts& texts) {
  std::string html = std::string("<h2 id=\"scoring\">How recall is scored</h2>\n<p>") + what_counts(texts.score) +
                     " Recall is the mean over the n trials of a cell, shown as 1.00 only if every trial is right. "
                     "Intervals are Wilson's "
                     "at 95 %; for fractional scores they are somewhat too wide. Tables and curves take all depths "
                     "together. Lengths are tokens "
                     "as the evaluation counted them.</p>\n";
  const auto add = [&html](std::size_t count, const char* what) {
    if (count > 0) html += "<p>Left out: " + std::to_string(count) + " rows " + what + ".</p>\n";
  };
  add(findings.not_ok, "whose status is not ok");
  add(findings.without_score, "to which this score does not apply");
  add(findings.cut_off, "that a crash cut off");
  return html + "<h2 id=\"command\">How this page was made</h2>\n<pre>" + escape(texts.command) +
         "</pre>\n<p class=\"muted\">All numbers of the summary: <a href=\"summary.csv\">summary.csv</a>.</p>\n";
}

std::string fact(std::size_t count, const char* one, const char* many) {
  return "<li><b>" + std::to_string(count) + "</b>" + (count == 1 ? one : many) + "</li>";
}

}  // namespace

std::string write_page(const Findings& findings, const Figures& figures, const PageTexts& texts) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" "
      "href=\"data:,\">\n<title>" +
      escape(texts.title) + "</title>\n<style>" + std::string(page_style()) +
      "</style>\n</head>\n<body>\n<main>\n<h1>" + text_of(texts.title) + "</h1>\n<ul class=\"facts\">" +
      fact(findings.rows, "trial", "trials") + fact(findings.systems.size(), "system", "systems") +
      fact(findings.tasks.size(), "task", "tasks") + fact(lengths_of(findings).size(), "length", "lengths") + "</ul>\n";
  html +=
      "<h2 id=\"summary\">Summary</h2>\n<p class=\"muted\">Recall with its 95 % interval and the number of trials, all "
      "depths "
      "together.</p>\n" +
      summary_table(findings) + sources(findings);
  html += section("systems", "Systems side by side",
                  "Every system and task at one length. Hollow marks are published, not measured here.",
                  figures.comparisons);
  html += section("lengths", "Recall against length",
                  "All depths together, with 95 % intervals. Hollow and dashed: published, not measured here.",
                  figures.curves);
  html += section("depths", "Recall by depth and length",
                  "The needle's depth runs from the beginning of the context (0 %) at the top to its end.",
                  figures.heatmaps);
  html += section("cost", "Time and memory", "A trial is one call of the system; queries about one context share it.",
                  figures.costs);
  html += cost_table(findings) + method(findings, texts);
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace larimar::eval::report

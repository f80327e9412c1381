#pragma once
#include <vector>

#include "eval/report/colour.h"
#include "eval/report/drawing.h"
#include "eval/report/findings.h"

namespace larimar::eval::report {

/// All figures of a report with their names and data, by section of the page. Sections may be empty, but for
/// `heatmaps`.
struct Figures {
  std::vector<Figure> comparisons;  // all systems and tasks, one figure for each length
  std::vector<Figure> curves;       // recall against length, one for each task
  std::vector<Figure> heatmaps;     // depth against length, one for each task and system
  std::vector<Figure> costs;        // time and memory against length

  /// In the order of the page.
  [[nodiscard]] std::vector<const Figure*> all() const;
};

/// Draws everything. Names are numbered, so that they differ whatever the texts in the rows are. Local; equal
/// findings give equal bytes.
[[nodiscard]] Figures draw_figures(const Findings& findings, Scale scale);

/// The summary as CSV: a line for each task, length and system, published ones marked as such.
[[nodiscard]] std::string summary_csv(const Findings& findings);

}  // namespace larimar::eval::report

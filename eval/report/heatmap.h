#pragma once
#include <string>

#include "eval/report/colour.h"
#include "eval/report/drawing.h"
#include "eval/report/findings.h"

namespace larimar::eval::report {

/// Depth (0 % on top) against length of one system and task; in each cell its recall and n. Cells of the grid that
/// were not run are grey and crossed out. The grid's lengths are those of the task over all systems, so that systems
/// can be laid side by side. The figure has no name yet. Throws nothing that a grid could cause; needs one that is
/// not empty.
[[nodiscard]] Figure draw_heatmap(const Findings& findings, const std::string& system, const Task& task, Scale scale);

}  // namespace larimar::eval::report

#include "eval/report/report.h"

#include <system_error>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/report/figures.h"
#include "eval/report/page.h"
#include "eval/report/png.h"

namespace larimar::eval::report {
namespace fs = std::filesystem;

Folder parse_folder(const std::string& argument) {
  std::error_code failure;
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || fs::exists(argument, failure)) return {argument, ""};
  Folder folder{argument.substr(equals + 1), argument.substr(0, equals)};
  if (folder.name.empty() || folder.path.empty())
    throw base::UsageError("\"" + argument + "\" is neither a folder nor NAME=FOLDER");
  return folder;
}

Written write_report(const ReportOptions& options) {
  const fs::path renderer = options.png ? find_renderer() : fs::path();
  const Findings findings = collect(options.folders, options.score, options.published);
  const Figures figures = draw_figures(findings, options.scale);
  base::make_folder(options.out);
  for (const Figure* figure : figures.all()) {
    const fs::path svg = options.out / (figure->name + ".svg");
    base::write_file(svg, figure->svg);
    base::write_file(options.out / (figure->name + ".csv"), figure->csv);
    if (options.png) render_png(renderer, svg, options.out / (figure->name + ".png"));
  }
  base::write_file(options.out / "summary.csv", summary_csv(findings));
  base::write_file(options.out / "index.html",
                   write_page(findings, figures, {options.title, options.command, options.score}));
  return {figures.all().size(), findings.rows, findings.not_ok + findings.without_score + findings.cut_off};
}

}  // namespace larimar::eval::report

#include <iostream>

#include "eval/report/markup.h"
#include "eval/report/report.h"
#include "launch/commands.h"

namespace larimar::launch {

int report_command(const ReportCommand& command) {
  namespace report = eval::report;
  report::ReportOptions options{.folders = {},
                                .out = command.out,
                                .published = command.published,
                                .title = command.title,
                                .command = "larimar",
                                .scale = report::parse_scale(command.scale),
                                .score = report::parse_score_kind(command.score),
                                .png = command.png};
  for (const std::string& argument : command.folders) options.folders.push_back(report::parse_folder(argument));
  for (std::size_t i = 1; i < command.command_line.size(); ++i)
    options.command += " " + report::shell_word(command.command_line[i]);
  const report::Written written = report::write_report(options);
  std::cout << (command.out / "index.html").string() << ": " << written.figures << " figures of " << written.rows
            << " rows";
  if (written.left_out > 0) std::cout << "; " << written.left_out << " rows left out, the page says why";
  std::cout << '\n';
  return 0;
}

}  // namespace larimar::launch

#include "launch/options.h"

namespace larimar::launch {

void add_report_options(CLI::App& app, ReportCommand& command) {
  app.add_option("results", command.folders,
                 "folders with results.jsonl, as larimar eval writes them; NAME=FOLDER calls its system NAME")
      ->required();
  app.add_option("--out", command.out, "folder of index.html and of the figures")->capture_default_str();
  app.add_option("--title", command.title, "of the page")->capture_default_str();
  app.add_option("--scale", command.scale, "colours of heatmaps: viridis (for every eye) or red-yellow-green")
      ->check(CLI::IsMember({"viridis", "red-yellow-green"}))
      ->capture_default_str();
  app.add_option("--score", command.score,
                 "what counts: value (the row's own score), retrieval (right segment first), wording (right string in "
                 "the answer)")
      ->check(CLI::IsMember({"value", "retrieval", "wording"}))
      ->capture_default_str();
  app.add_option(
      "--published", command.published,
      "JSON list of {system, task, length, value, source}: numbers of others to stand beside, marked as such");
  app.add_flag("--png", command.png, "figures as PNG too; needs rsvg-convert of the Debian package librsvg2-bin");
}

}  // namespace larimar::launch

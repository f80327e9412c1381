#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "eval/report/colour.h"
#include "eval/report/rows.h"

namespace larimar::eval::report {

struct ReportOptions {
  std::vector<Folder> folders;
  std::filesystem::path out;
  std::filesystem::path published;  // JSON list; empty: none
  std::string title = "Recall over long contexts";
  std::string command;  // shown in the page
  Scale scale = Scale::kViridis;
  ScoreKind score = ScoreKind::kValue;
  bool png = false;
};

struct Written {
  std::size_t figures = 0;
  std::size_t rows = 0;
  std::size_t left_out = 0;
};

/// "OUT" or "NAME=OUT". A path that exists is taken as it is, whatever it contains. Throws UsageError if NAME or OUT
/// is empty.
[[nodiscard]] Folder parse_folder(const std::string& argument);

/// Reads the folders and writes OUT/index.html, OUT/summary.csv, and for each figure an SVG, a CSV and if asked for a
/// PNG. Everything is read and checked before anything is written; the page comes last. Equal inputs give equal
/// bytes.
/// Calls   local; starts rsvg-convert for PNGs.
/// Throws  as collect, find_renderer, render_png, make_folder and write_file do.
Written write_report(const ReportOptions& options);

}  // namespace larimar::eval::report

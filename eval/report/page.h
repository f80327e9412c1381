#pragma once
#include <string>
#include <string_view>

#include "eval/report/figures.h"
#include "eval/report/findings.h"
#include "eval/report/rows.h"

namespace larimar::eval::report {

/// What stands in the page beside figures and numbers.
struct PageTexts {
  std::string title = "Recall over long contexts";
  std::string command;  // that made it
  ScoreKind score = ScoreKind::kValue;
};

/// One page that needs nothing else: no script, no request, every text escaped. Light or dark as the reader's system
/// is. A content security policy forbids what a hostile text might yet try. Local; equal inputs give equal bytes.
[[nodiscard]] std::string write_page(const Findings& findings, const Figures& figures, const PageTexts& texts);

/// The page's style sheet.
[[nodiscard]] std::string_view page_style();

}  // namespace larimar::eval::report

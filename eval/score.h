#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "eval/placement.h"
#include "eval/task.h"
#include "eval/trial.h"

namespace larimar::eval {

/// Retrieval (was the right place read?) and wording (is the right string in the output?), kept apart.
struct Score {
  std::size_t rank = 0;          // of the first right citation, from 1; 0: none is right
  bool retrieval_first = false;  // rank == 1
  bool retrieval_any = false;    // rank > 0
  bool wording = false;          // the expected strings are in the answer, as many of them as are wanted
  bool wording_any = false;      // ... or in the text of any segment that was read
  double value = 0;              // share of the expected strings in the answer; of alternatives 1 or 0
  double value_any = 0;          // ... in the answer or any segment that was read
  double evidence_read = 0;      // share of the evidence's places among the citations; 0 without evidence
};

/// What a right answer is.
struct Expectation {
  std::span<const HiddenNeedle> evidence;  // a citation of any of them is right
  std::span<const std::string> expected;   // strings, at least one
  bool whole_words = false;                // a string must not be part of a longer word
  Wanted wanted = Wanted::kAll;            // kNone: scores are those of their absence, nothing is to be read
};

/// Whether a citation overlaps the needle's bytes in the needle's document. Paths are compared in absolute, normal
/// form.
[[nodiscard]] bool is_right(const Citation& citation, const HiddenNeedle& needle);

/// Whether `expected` occurs in `text`, every run of white space taken as one space, case kept. Where `expected` begins
/// or ends with a digit, the occurrence must not be part of a longer number: 817 is not found in 81723. With
/// `whole_words` the same holds for letters: no is not found in north.
[[nodiscard]] bool contains_string(std::string_view text, std::string_view expected, bool whole_words = false);

[[nodiscard]] Score score_answer(const Answer& answer, const Expectation& right);

/// Hits out of n, with Wilson's 95 % interval.
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
struct Recall {
  std::size_t n = 0;
  std::size_t hits = 0;

  void add(bool hit) {
    ++n;
    hits += hit ? 1 : 0;
  }
  [[nodiscard]] double value() const;  // 0 if n == 0
  [[nodiscard]] double low() const;    // 0 if n == 0
  [[nodiscard]] double high() const;   // 1 if n == 0
};

}  // namespace larimar::eval

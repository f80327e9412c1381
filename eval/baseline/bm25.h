#pragma once
#include <memory>

#include "eval/baseline/segments.h"

namespace larimar::eval::baseline {

/// Okapi BM25 of Xapian: k1 = 1.2, b = 0.75, no lower bound on a passage's relative length; terms are words in small
/// letters, cut to their stems by Snowball's English rules, words of more than 64 bytes left out; a query is the OR of its
/// terms, so that no sign in it is an operator. Passages without any of the terms are not ranked.
inline constexpr double kBm25K1 = 1.2;
inline constexpr double kBm25B = 0.75;
inline constexpr const char* kBm25Stemmer = "english";

/// A ranker with an index in memory. Only documents that came or went since the last context are indexed or taken out,
/// which gives the same index. Not shared between threads; local.
/// Cost    about 2 KiB of memory a passage.
[[nodiscard]] std::unique_ptr<Ranker> make_bm25_ranker();

}  // namespace larimar::eval::baseline

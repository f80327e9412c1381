#pragma once
#include <cstdint>
#include <filesystem>

#include "eval/haystack.h"

namespace larimar::eval {

/// How long a context is wanted and where more text comes from.
struct LengthRequest {
  std::uint64_t tokens = 0;      // 0: the whole haystack, neither cut nor extended
  std::filesystem::path filler;  // folder of *.txt or *.txt.zst; empty: no filler
  std::filesystem::path folder;  // where cut and filler documents are written (OUT/contexts)
};

/// A context of the wanted length, before needles are hidden.
struct Selection {
  Haystack haystack;
  std::uint64_t tokens = 0;  // by the counter's tokenizer, document by document
};

/// Takes the haystack's documents in order, then filler documents, until the request is met; the last one is cut at the
/// sentence boundary that comes nearest to it. Whole documents keep their paths; a cut one is written under
/// folder/cut, filler under folder/filler, both the same each time.
/// Throws ConfigError if the haystack is shorter and no filler is given, or all filler is used up; else as FillerFiles
/// and TokenCounter do. Cost: the tokenizer once over the text taken.
[[nodiscard]] Selection select_length(const Haystack& whole, const LengthRequest& request, TokenCounter& counter);

}  // namespace larimar::eval

#pragma once
#include <cstdint>
#include <filesystem>

#include "eval/haystack.h"
#include "eval/supply.h"

namespace larimar::eval {

/// How long a context is wanted and where its text comes from.
struct LengthRequest {
  std::uint64_t tokens = 0;  // 0: the whole haystack, neither cut nor extended
  SupplyRule supply;
  std::filesystem::path folder;  // where cut and made documents are written (OUT/contexts)
};

/// A context of the wanted length, before anything is hidden.
struct Selection {
  Haystack haystack;
  std::uint64_t tokens = 0;      // by the counter's tokenizer, document by document
  std::uint64_t last_bytes = 0;  // of the supply's document that comes last, taken from its beginning
};

/// Takes the supply's documents in order until the request is met; the last one is cut at the sentence boundary that
/// comes nearest to it. Whole documents keep their paths; a cut one is written under folder/cut, the same each time.
/// Throws ConfigError if the supply ends before, or a generator is asked for its whole; else as Supply and TokenCounter
/// do. Cost: the tokenizer once over the text taken.
[[nodiscard]] Selection select_length(const LengthRequest& request, TokenCounter& counter);

}  // namespace larimar::eval

#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/model/encoders.h"
#include "common/text/tokenizer.h"

namespace larimar::eval {

struct QualityOptions {
  std::size_t max_segments = 0;      // spread over the whole text; 0: all
  std::size_t max_disturbed = 2000;  // of those, for each way of disturbing a code; 0: all
  std::size_t planted = 200;         // strings of each kind
  std::uint64_t seed = 1;            // of strings, places and noise
  std::size_t batch = 64;            // segments encoded and decoded at once
};

/// What a pair of networks is judged by; not owned.
struct ModelUnderTest {
  model::CodeEncoder& encoder;
  model::CodeDecoder& decoder;
  const text::Tokenizer& tokenizer;
  const text::Tokenizer* words =
      nullptr;  // of what the decoder says, if that is another; it is then compared as text, cut anew
};

/// How well segments of unseen text survive encoding and decoding. `folder` holds *.txt or *.txt.zst, cut into segments
/// of at most encoder.max_tokens() as in training; decoding is free: it sees the code and nothing else. The result:
///   segments, tokens, seed
///   token_accuracy       right tokens at their positions, the end counted as one token a segment
///   segments_exact       {all, to_16, to_32, to_48, to_64}: every token right, also by length in tokens ("to_32": 17 to 32)
///   continuation_exact   what follows the first half of the words is right to the end, whatever stands before it
///   planted              {digits_3 .. digits_7, digits_16, uuid, identifier}: a random string put at a random word position
///                        of a segment (whose last words are dropped if it grows too long) occurs in the decoded text
///   disturbed            {noise_20_db, noise_10_db, noise_5_db, superposition_10_percent, superposition_30_percent,
///                        float16, int8}: {token_accuracy, segments_exact} of codes as eval/disturbance.h changes them
/// Each measure is {n, hits, value, low, high} with Wilson's 95 % interval (which takes tokens for independent).
/// `report` gets one line a measure. Local; the same options give the same segments, strings and noise.
/// Throws MissingInputError if there is no text or no segment in it, ConfigError if the networks' code sizes differ;
/// FormatError and what the networks throw.
[[nodiscard]] nlohmann::ordered_json measure_model(const std::filesystem::path& folder, ModelUnderTest model,
                                                   const QualityOptions& options,
                                                   const std::function<void(const std::string&)>& report);

}  // namespace larimar::eval

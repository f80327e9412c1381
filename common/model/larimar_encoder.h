#pragma once
// The encoder of a Larimar checkpoint as a CodeEncoder. No LibTorch here.
#include <filesystem>
#include <memory>
#include <string>

#include "common/model/encoders.h"

namespace larimar::model {

/// BERT's pooler output times the first C rows of encoder.linear (its other half, a log variance, is not used).
/// Segments are tokens of encoder/tokenizer.json without [CLS] and [SEP].
/// Source  2403.11901 and its reference code, noise off.
/// The network runs on a device ("cpu" or "cuda:N"), its last product and what follows on the CPU.
/// Throws ConfigError as load_compact_encoder; MissingInputError or FormatError; missing and misshapen tensors are listed all at once.
///         encode(): NumericalError if a code is not finite.
[[nodiscard]] std::unique_ptr<CodeEncoder> load_larimar_encoder(const std::filesystem::path& folder,
                                                                Arithmetic arithmetic = Arithmetic::kFloat,
                                                                const std::string& device = "cpu");

/// The tokenizer of the encoder, and the one that decoded text is written with.
[[nodiscard]] std::unique_ptr<const text::Tokenizer> load_larimar_tokenizer(const std::filesystem::path& folder,
                                                                            const char* part);

}  // namespace larimar::model

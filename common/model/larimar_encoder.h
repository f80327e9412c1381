#pragma once
// The encoder of a Larimar checkpoint as a CodeEncoder. No LibTorch here.
#include <filesystem>
#include <memory>

#include "common/model/encoders.h"

namespace larimar::model {

/// BERT's pooler output times the first C rows of encoder.linear (its other half, a log variance, is not used).
/// Segments are tokens of encoder/tokenizer.json without [CLS] and [SEP].
/// Source  2403.11901 and its reference code, noise off.
/// Throws MissingInputError or FormatError; missing and misshapen tensors are listed all at once.
///         encode(): NumericalError if a code is not finite.
[[nodiscard]] std::unique_ptr<CodeEncoder> load_larimar_encoder(const std::filesystem::path& folder,
                                                                Arithmetic arithmetic = Arithmetic::kFloat);

/// The tokenizer of the encoder, and the one that decoded text is written with.
[[nodiscard]] std::unique_ptr<const text::Tokenizer> load_larimar_tokenizer(const std::filesystem::path& folder,
                                                                            const char* part);

}  // namespace larimar::model

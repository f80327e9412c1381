#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "common/text/tokenizer.h"

namespace larimar::text {

/// The WordPiece tokenizer of BERT from a parsed tokenizer.json. `source` names the file in errors.
/// encode(): texts of added tokens ("[MASK]") become their ids, all else is normalised, cut into words and each word into
/// the longest pieces from its left; a word that cannot be cut, or is longer than the file's limit, is one unknown token.
/// decode(): pieces joined by spaces, continuations glued, added tokens left out; what normalisation took is lost.
/// Throws FormatError naming the field: another model, normaliser or pre-tokenizer, ids that are not 0 .. size - 1.
/// Source  the published behaviour of the Hugging Face library for the same file.
[[nodiscard]] std::unique_ptr<const Tokenizer> make_word_piece(const nlohmann::json& root,
                                                               const std::filesystem::path& source);

}  // namespace larimar::text

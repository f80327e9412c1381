#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "common/text/tokenizer.h"

namespace larimar::text {

/// The tokenizer that a parsed tokenizer.json describes; `source` is named in errors.
/// Throws FormatError naming the field that is missing, of the wrong kind, contradictory or not known here.
[[nodiscard]] std::unique_ptr<const Tokenizer> make_tokenizer(const nlohmann::json& root,
                                                              const std::filesystem::path& source);

}  // namespace larimar::text

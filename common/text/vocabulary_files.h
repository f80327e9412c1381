#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>

namespace larimar::text {

/// A whole JSON file. Throws MissingInputError, or FormatError with the byte where it stops being JSON.
[[nodiscard]] nlohmann::json read_json(const std::filesystem::path& path);

/// The tokenizer.json that the older files of a folder stand for, as transformers reads them.
/// BERT: vocab.txt, a piece a line; do_lower_case, strip_accents and tokenize_chinese_chars of tokenizer_config.json, if there.
/// GPT-2: vocab.json and merges.txt, a pair a line behind the optional line "#version".
/// Both: more tokens from "added_tokens_decoder" of tokenizer_config.json, else from added_tokens.json, where
/// special_tokens_map.json says which of them are special.
/// Throws FormatError naming file and line.
[[nodiscard]] nlohmann::json json_of_bert_files(const std::filesystem::path& folder);
[[nodiscard]] nlohmann::json json_of_gpt2_files(const std::filesystem::path& folder);

}  // namespace larimar::text

#pragma once
// Static keys (--keys static): the table that they come from, and the order that MiniLM gives to what they find.
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/model/encoders.h"
#include "common/model/static_table.h"
#include "launch/answering.h"
#include "launch/setup.h"

namespace larimar::launch {

/// Queries read together at most with static keys: MiniLM takes about half a second for the texts of one.
inline constexpr std::size_t kShortlistBatch = 8;

/// The table that is shipped with the program.
[[nodiscard]] std::filesystem::path usual_key_table();
/// Hash of what a table holds, which its "checksum" names.
[[nodiscard]] std::string table_checksum(const model::StaticTable& table);

/// MiniLM's weights and tokenizer by name and hash. Local; reads both. Throws MissingInputError.
[[nodiscard]] std::string key_table_source(const std::filesystem::path& keys_folder);

/// The encoder of setup.key_table, `setup` resolved. Local.
/// Throws MissingInputError or FormatError for a table that is missing or damaged, ConfigError for one that was made from another
///        network than that in setup.keys_folder.
[[nodiscard]] std::unique_ptr<model::KeyEncoder> load_static_keys(const JobSetup& setup);

/// Orders the sources of each query by MiniLM's cosine between query and decoded text and keeps `keep` of them; scores, margins and
/// best_score become those cosines. A text counts as its write key would be made: its first words, all of it, or the most similar of
/// its sentences. One query's texts are encoded together, so that an answer does not depend on the batch.
/// Shapes  batch.decoded.read holds k >= keep sources a query. Calls local (rank 0).
/// Cost    MiniLM over k texts a query.
void rank_shortlist(model::KeyEncoder& ranker, const shard::EncodingRules& rules, std::size_t keep,
                    AnsweredBatch& batch);

}  // namespace larimar::launch

#include "launch/static_keys.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/model/static_keys.h"
#include "common/store/hash.h"
#include "common/text/segmenter.h"
#include "common/text/sentences.h"
#include "coordinator/rerank.h"
#include "launch/memory_folder.h"
#include "launch/model_ids.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;

/// The parts of a decoded text that are compared with the query.
std::vector<std::string> parts_of(const std::string& text, const shard::EncodingRules& rules) {
  if (rules.key_mode == shard::KeyMode::kPrefix) return {std::string(text::first_words(text, rules.prefix_words))};
  std::vector<std::string> parts;
  if (rules.key_mode == shard::KeyMode::kSentence) {
    for (const text::Span& span : text::find_sentences(text)) parts.push_back(text.substr(span.begin, span.size()));
  }
  if (parts.empty()) parts.push_back(text);
  return parts;
}

/// Cosine of each text with the query, of its most similar part.
std::vector<float> cosines(model::KeyEncoder& ranker, const shard::EncodingRules& rules, const std::string& query,
                           std::span<const std::string> texts) {
  std::vector<std::string> parts;
  std::vector<std::size_t> owner;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::string& part : parts_of(texts[i], rules)) parts.push_back(std::move(part));
    owner.resize(parts.size(), i);
  }
  std::vector<float> best(texts.size(), -1.0F);
  if (parts.empty()) return best;
  const linalg::Matrix key = ranker.encode(std::vector<std::string>{query}), keys = ranker.encode(parts);
  for (std::size_t p = 0; p < parts.size(); ++p)
    best[owner[p]] = std::max(best[owner[p]], keys.row(static_cast<linalg::Index>(p)).dot(key.row(0)));
  return best;
}

}  // namespace

fs::path usual_key_table() { return home_folder() / "models/static-keys/table.safetensors"; }

std::string table_checksum(const model::StaticTable& table) {
  return store::hash128(table.bytes()).text() + " " + store::hash128(table.scales()).text();
}

std::string key_table_source(const fs::path& keys_folder) {
  JobSetup minilm;
  minilm.keys = "minilm";
  minilm.keys_folder = keys_folder;
  return keys_id(minilm) + " " + hash_of_file(keys_folder / "tokenizer.json").text();
}

std::unique_ptr<model::KeyEncoder> load_static_keys(const JobSetup& setup) {
  const model::StaticTable table(setup.key_table);
  if (table.made("checksum") != table_checksum(table))
    throw base::FormatError(
        setup.key_table.string() +
        " is damaged: its vectors are not those that were written; larimar static-keys makes it anew");
  if (const std::string source = key_table_source(setup.keys_folder); table.made("source") != source)
    throw base::ConfigError(setup.key_table.string() + " was made from \"" + table.made("source") +
                            "\" but the key network in " + setup.keys_folder.string() + " is \"" + source +
                            "\"; name the right folder with --keys-folder, or make a table with larimar static-keys");
  return model::make_static_keys(table, text::load_tokenizer(setup.keys_folder / "tokenizer.json"));
}

void rank_shortlist(model::KeyEncoder& ranker, const shard::EncodingRules& rules, std::size_t keep,
                    AnsweredBatch& batch) {
  const coordinator::BatchRead& read = batch.decoded.read;
  const std::size_t k = read.reads;
  std::vector<std::vector<float>> scores;
  for (std::size_t q = 0; q < batch.queries.size(); ++q) {
    std::size_t there = 0;
    while (there < k && read.records[q * k + there].status != wire::ReadStatus::kEmpty) ++there;
    scores.push_back(cosines(ranker, rules, batch.queries[q].text,
                             std::span<const std::string>(batch.decoded.texts).subspan(q * k, there)));
  }
  coordinator::rank_by_scores(batch.decoded, scores, keep);
}

}  // namespace larimar::launch

#include "eval/capacity_facts.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <unordered_set>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/random.h"

namespace larimar::eval {
namespace {

using linalg::Index;
using linalg::Matrix;
using Tokens = std::vector<text::TokenId>;

constexpr std::size_t kBatch = 64;

struct Fields {
  const char *prompt, *object, *rephrased;
};
constexpr std::array<Fields, 2> kForms{{{"prompt", "target_new", "rephrase_prompt"}, {"src", "alt", "rephrase"}}};

bool has_text(const nlohmann::json& record, const char* field) {
  const auto found = record.find(field);
  return found != record.end() && found->is_string();
}

/// An empty fact if one of the texts is empty.
Fact read_record(const nlohmann::json& record, const std::string& place) {
  if (record.is_object()) {
    for (const auto& [prompt, object, rephrased] : kForms) {
      if (!has_text(record, prompt)) continue;
      for (const char* field : {object, rephrased}) {
        if (!has_text(record, field))
          throw base::FormatError(place + " has " + prompt + " but no text " + field + "; facts need both");
      }
      const std::string question = record[prompt], answer = record[object], other = record[rephrased];
      if (question.empty() || answer.empty() || other.empty()) return {};
      return {question + " " + answer, other};
    }
  }
  throw base::FormatError(
      place + " is no fact: it needs the texts prompt, target_new and rephrase_prompt, or src, alt " + "and rephrase");
}

template <class T>
void shuffle(std::vector<T>& values, Random& random) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
}

Tokens tokens_of(const FactNetworks& networks, const std::string& text) {
  Tokens tokens = networks.tokenizer.encode(text);
  tokens.resize(std::min(tokens.size(), networks.encoder.max_tokens()));
  return tokens;
}

// Neighbours of one length share a batch without padding.
Matrix encode_tokens(model::CodeEncoder& encoder, std::span<const Tokens> texts) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return texts[i].size(); });
  Matrix codes(static_cast<Index>(texts.size()), encoder.code_size());
  for (std::size_t at = 0; at < order.size(); at += kBatch) {
    const std::span<const std::size_t> chosen = std::span(order).subspan(at, std::min(kBatch, order.size() - at));
    std::vector<Tokens> batch;
    for (const std::size_t i : chosen) batch.push_back(texts[i]);
    const Matrix encoded = encoder.encode(batch);
    for (std::size_t i = 0; i < chosen.size(); ++i)
      codes.row(static_cast<Index>(chosen[i])) = encoded.row(static_cast<Index>(i));
  }
  return codes;
}

Matrix encode_keys(model::KeyEncoder& encoder, const std::vector<std::string>& texts) {
  Matrix keys(static_cast<Index>(texts.size()), encoder.key_size());
  for (std::size_t at = 0; at < texts.size(); at += kBatch) {
    const std::size_t count = std::min(kBatch, texts.size() - at);
    keys.middleRows(static_cast<Index>(at), static_cast<Index>(count)) =
        encoder.encode(std::span(texts).subspan(at, count));
  }
  return keys;
}

}  // namespace

FactList read_facts(const std::filesystem::path& file) {
  const auto list = nlohmann::json::parse(base::MappedFile(file).text(), nullptr, false);
  if (!list.is_array())
    throw base::FormatError(file.string() + " is not a JSON list of facts; give a file like counterfact-edit.json");
  FactList result;
  std::unordered_set<std::string> seen;
  std::size_t number = 0;
  for (const auto& record : list) {
    Fact fact = read_record(record, file.string() + ", record " + std::to_string(++number));
    if (fact.text.empty() || !seen.insert(fact.text).second) {
      ++result.left_out;
    } else {
      result.facts.push_back(std::move(fact));
    }
  }
  if (result.facts.empty()) throw base::FormatError(file.string() + " holds no fact; it must hold at least one");
  return result;
}

FactSet random_facts(Index facts, Index code_size, std::uint64_t seed) {
  Random random(seed ^ hash_text("codes"));
  FactSet set{.source = "random", .codes = Matrix(facts, code_size)};
  for (Index i = 0; i < set.codes.size(); ++i) set.codes.data()[i] = static_cast<float>(random.normal());
  set.keys.push_back({.name = "code", .written = set.codes});
  return set;
}

std::vector<Tokens> decode_codes(model::CodeDecoder& decoder, linalg::ConstMatrixRef codes) {
  std::vector<Tokens> decoded;
  for (Index at = 0; at < codes.rows(); at += static_cast<Index>(kBatch)) {
    const Index rows = std::min(static_cast<Index>(kBatch), codes.rows() - at);
    for (Tokens& tokens : decoder.decode(codes.middleRows(at, rows))) decoded.push_back(std::move(tokens));
  }
  return decoded;
}

FactSet encode_facts(const std::filesystem::path& file, const FactNetworks& networks, const FactEncoding& encoding) {
  std::vector<Fact> facts = read_facts(file).facts;
  Random random(encoding.seed ^ hash_text("order"));
  shuffle(facts, random);
  facts.resize(std::min(facts.size(), encoding.facts));
  std::vector<std::string> texts, rephrased;
  std::vector<Tokens> tokens, rephrased_tokens;
  for (const Fact& fact : facts) {
    texts.push_back(fact.text);
    tokens.push_back(tokens_of(networks, fact.text));
    if (rephrased.size() == encoding.rephrasings) continue;
    rephrased.push_back(fact.rephrased);
    rephrased_tokens.push_back(tokens_of(networks, fact.rephrased));
  }
  FactSet set{.source = file.stem().string(), .codes = encode_tokens(networks.encoder, tokens)};
  if (encoding.code_keys) set.keys.push_back({"code", set.codes, encode_tokens(networks.encoder, rephrased_tokens)});
  if (encoding.sentences != nullptr)
    set.keys.push_back(
        {"sentence", encode_keys(*encoding.sentences, texts), encode_keys(*encoding.sentences, rephrased)});
  tokens.resize(std::min(tokens.size(), encoding.decoded));
  const auto decoded = decode_codes(networks.decoder, set.codes.topRows(static_cast<Index>(tokens.size())));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (decoded[i] != tokens[i]) tokens[i].clear();
  }
  set.tokens = std::move(tokens);
  return set;
}

}  // namespace larimar::eval

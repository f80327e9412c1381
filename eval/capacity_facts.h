#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/encoders.h"
#include "common/text/tokenizer.h"

namespace larimar::eval {

/// A statement that a memory is to hold, and another way to ask for it.
struct Fact {
  std::string text;
  std::string rephrased;
};

struct FactList {
  std::vector<Fact> facts{};
  std::size_t left_out = 0;  // records with an empty text, or with a text that came before
};

/// The facts of a JSON list of objects with the fields of CounterFact (prompt, target_new, rephrase_prompt) or of zsRE (src, alt,
/// rephrase): the text is prompt and object with a space between. Order as in the file.
/// Throws MissingInputError if there is no such file, FormatError if it is not such a list (record named, from 1) or holds none.
[[nodiscard]] FactList read_facts(const std::filesystem::path& file);

/// The keys of all facts, as one key encoder makes them.
struct FactKeys {
  std::string name{};          // "code" or "sentence"
  linalg::Matrix written{};    // [facts, D], of the text
  linalg::Matrix rephrased{};  // [min(facts, rephrasings), D], of the other way to ask; no rows if there is none
};

/// What a study writes into its memories: fact i of all matrices is the same. The first N of them are the N facts of a cell.
struct FactSet {
  std::string source{};    // "random", or the file's stem
  linalg::Matrix codes{};  // [facts, C]
  std::vector<FactKeys> keys{};
  /// Token ids of the first facts that the decoder is asked for; empty for those that it does not give back from their true
  /// code, which no memory can be blamed for.
  std::vector<std::vector<text::TokenId>> tokens{};
};

/// Codes with independent normal components, each its own key "code". Shapes codes [facts, code_size].
[[nodiscard]] FactSet random_facts(linalg::Index facts, linalg::Index code_size, std::uint64_t seed);

struct FactEncoding {
  bool code_keys = true;                   // keys "code": the codes themselves
  model::KeyEncoder* sentences = nullptr;  // keys "sentence"; null: none
  std::size_t facts = 4096;                // most facts to take
  std::size_t rephrasings = 256;           // facts that are also asked for in other words
  std::size_t decoded = 64;                // facts that are also decoded
  std::uint64_t seed = 1;                  // of their order
};

struct FactNetworks {
  model::CodeEncoder& encoder;
  model::CodeDecoder& decoder;
  const text::Tokenizer& tokenizer;
};

/// The facts of a file in an order drawn by the seed, as codes and keys; texts longer than the model takes are cut at its limit.
/// Throws as read_facts and as the networks.
[[nodiscard]] FactSet encode_facts(const std::filesystem::path& file, const FactNetworks& networks,
                                   const FactEncoding& encoding);

/// Token ids that each code [n, C] decodes to, a batch at a time.
[[nodiscard]] std::vector<std::vector<text::TokenId>> decode_codes(model::CodeDecoder& decoder,
                                                                   linalg::ConstMatrixRef codes);

}  // namespace larimar::eval

#pragma once
#include <memory>
#include <string>

#include "common/model/encoders.h"
#include "decoder/code_answers.h"
#include "decoder/decoder_service.h"
#include "decoder/language_service.h"
#include "launch/setup.h"

namespace larimar::launch {

/// Which networks a rank needs: shards encode segments and write keys, rank 0 encodes read keys, decoders decode.
struct NetworkNeeds {
  bool codes = false;
  bool keys = false;
  bool decoder = false;
  bool ranker = false;  // rank 0 of a job that answers: MiniLM beside static keys, nothing with others
};

/// A language model with its tokenizer.
struct LanguageParts {
  std::unique_ptr<const text::Tokenizer> tokenizer;
  std::unique_ptr<model::LanguageModel> model;
};

/// From setup.language. Calls local. Throws MissingInputError, FormatError or ConfigError naming the file.
[[nodiscard]] LanguageParts load_language(const JobSetup& setup);

/// How the model in setup.model takes in text: its tokenizer, and most tokens of a segment without specials.
struct Segmenting {
  std::unique_ptr<const text::Tokenizer> tokenizer;
  std::size_t max_tokens = 0;
};

/// Reads no weights. Throws as load_networks.
[[nodiscard]] Segmenting load_segmenting(const JobSetup& setup);

/// The networks of one rank, loaded once; null where they are not needed.
struct Networks {
  std::unique_ptr<const text::Tokenizer> tokenizer;          // of text that goes in
  std::unique_ptr<const text::Tokenizer> decoder_tokenizer;  // of text that comes out; null: the same
  std::unique_ptr<model::CodeEncoder> codes;
  std::unique_ptr<model::KeyEncoder> keys;
  std::unique_ptr<model::KeyEncoder> ranker;  // orders what static keys find; null with other keys
  std::unique_ptr<model::CodeDecoder> decoder;
  model::CodeReader* code_reader = nullptr;  // the decoder, if it is a language model that reads codes
  std::unique_ptr<decoder::CodeAnswers> code_answers;
  std::unique_ptr<decoder::DecoderService> decoder_service;
  LanguageParts language;  // of ranks that rerank or read; to read codes, the tokenizer alone
  std::unique_ptr<decoder::LanguageService> language_service;
  std::size_t code_size = 0;
};

/// `setup` is resolved; of several devices this process takes the first. Calls local. Throws MissingInputError, FormatError or
/// ConfigError naming the file.
[[nodiscard]] Networks load_networks(const JobSetup& setup, const NetworkNeeds& needs);
/// Loads what is needed and not yet there; `networks` is empty, or was loaded with the same setup. Devices are those of the rank
/// (launch/devices.h).
void complete_networks(Networks& networks, const JobSetup& setup, const NetworkNeeds& needs);

}  // namespace larimar::launch

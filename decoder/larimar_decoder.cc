#include "decoder/larimar_decoder.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/model/injected_gpt2.h"
#include "common/model/larimar_config.h"
#include "common/model/larimar_encoder.h"

namespace larimar::decoder {
namespace {

constexpr std::uint64_t kMostVocabulary = std::uint64_t{1} << 24;

/// An id of the decoder's part of config.json, which may be 0.
text::TokenId special_id(const model::JsonFields& fields, const char* name, std::int64_t vocabulary) {
  const auto id = fields.get<std::int64_t>(name);
  if (id < 0 || id >= vocabulary) {
    throw base::FormatError(fields.file() + ": field \"decoder." + name + "\" is " + std::to_string(id) +
                            ", expected 0 to " + std::to_string(vocabulary - 1));
  }
  return static_cast<text::TokenId>(id);
}

class LarimarDecoder final : public model::CodeDecoder {
 public:
  LarimarDecoder(const std::filesystem::path& folder, const model::Placement& placement)
      : LarimarDecoder(folder, model::JsonFields(folder / "config.json").object("decoder"), placement) {}

  linalg::Index code_size() const override { return network_.code_size(); }
  std::vector<std::vector<text::TokenId>> decode(linalg::ConstMatrixRef codes) override {
    return network_.decode(codes, options_);
  }

 private:
  LarimarDecoder(const std::filesystem::path& folder, const model::JsonFields& fields,
                 const model::Placement& placement)
      : network_(std::make_shared<const model::Checkpoint>(folder),
                 model::read_injected_gpt2_config(fields, model::read_larimar_config(folder).code_size), "decoder.",
                 placement) {
    const auto vocabulary = static_cast<std::int64_t>(fields.size("vocab_size", kMostVocabulary));
    options_.bos = special_id(fields, "bos_token_id", vocabulary);
    options_.eos = special_id(fields, "eos_token_id", vocabulary);
    options_.max_new_tokens = std::min(model::read_larimar_config(folder).segment_tokens, network_.positions() - 1);
    const auto tokenizer = model::load_larimar_tokenizer(folder, "decoder");
    if (tokenizer->size() > vocabulary) {
      throw base::FormatError((folder / "decoder").string() + " has a tokenizer of " +
                              std::to_string(tokenizer->size()) + " pieces, but config.json says " +
                              std::to_string(vocabulary));
    }
  }

  model::InjectedGpt2 network_;
  model::InjectedGeneration options_;
};

}  // namespace

std::unique_ptr<model::CodeDecoder> load_larimar_decoder(const std::filesystem::path& folder,
                                                         const model::Placement& placement) {
  return std::make_unique<LarimarDecoder>(folder, placement);
}

}  // namespace larimar::decoder

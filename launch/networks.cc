#include "launch/networks.h"

#include "common/base/error.h"
#include "common/base/failpoint.h"
#include "common/comm/in_process_transport.h"
#include "common/model/compact.h"
#include "common/model/devices.h"
#include "common/model/injection_config.h"
#include "common/model/language_model.h"
#include "common/model/larimar_config.h"
#include "common/model/larimar_encoder.h"
#include "common/model/minilm.h"
#include "common/model/model_keys.h"
#include "decoder/compact_decoder.h"
#include "decoder/injected_decoder.h"
#include "decoder/larimar_decoder.h"
#include "launch/devices.h"
#include "launch/model_ids.h"
#include "launch/static_keys.h"

namespace larimar::launch {
namespace {

void check_vocabulary(const text::Tokenizer& tokenizer, const std::filesystem::path& path, std::int64_t expected) {
  if (tokenizer.size() == expected) return;
  throw base::FormatError(path.string() + " has " + std::to_string(tokenizer.size()) +
                          " pieces where config.json says " + std::to_string(expected));
}

// Text goes in and comes out by one tokenizer.
void load_compact(Networks& networks, const JobSetup& setup, const NetworkNeeds& needs) {
  const model::CompactConfig config = model::read_compact_config(setup.model / "config.json");
  networks.code_size = static_cast<std::size_t>(config.code_size());
  if (!networks.tokenizer) networks.tokenizer = text::load_tokenizer(setup.model / "tokenizer.json");
  check_vocabulary(*networks.tokenizer, setup.model / "tokenizer.json", config.vocabulary);
  if (needs.codes) networks.codes = model::load_compact_encoder(setup.model, setup.arithmetic, setup.encode_device);
  if (needs.decoder) networks.decoder = decoder::load_compact_decoder(setup.model, setup.device);
}

// BERT's pieces go in, GPT-2's come out.
void load_larimar(Networks& networks, const JobSetup& setup, const NetworkNeeds& needs) {
  networks.code_size = static_cast<std::size_t>(model::read_larimar_config(setup.model).code_size);
  if (!networks.tokenizer) networks.tokenizer = model::load_larimar_tokenizer(setup.model, "encoder");
  if (needs.codes) networks.codes = model::load_larimar_encoder(setup.model, setup.arithmetic, setup.encode_device);
  if (!needs.decoder) return;
  networks.decoder_tokenizer = model::load_larimar_tokenizer(setup.model, "decoder");
  networks.decoder = decoder::load_larimar_decoder(setup.model, {setup.device, setup.dtype});
}

/// A decoder that reads other codes, or is for another language model, would say something, and it would be wrong.
void check_injection(const JobSetup& setup) {
  const model::InjectionConfig config = model::read_injection_config(setup.decoder_model);
  const auto hashes = [](const std::string& id) { return id.substr(std::min(id.find(' '), id.size())); };
  JobSetup plain = setup;
  plain.arithmetic = model::Arithmetic::kFloat;
  if (config.codes_of != model_id(plain)) {
    throw base::FormatError(setup.decoder_model.string() + " reads codes of " + config.codes_of + ", not of " +
                            model_id(plain) + "; name its encoder with --model, or another --decoder-model");
  }
  if (hashes(config.language_hash) != hashes(language_id(setup))) {
    throw base::FormatError(setup.decoder_model.string() + " is for the language model " + config.language_hash +
                            ", and " + setup.language.string() + " holds " + language_id(setup) +
                            "; run launch/install.sh, or name the right folder with --language-model");
  }
}

void load_code_reader(Networks& networks, const JobSetup& setup) {
  check_injection(setup);
  auto reader = decoder::load_injected_decoder(setup.decoder_model, setup.language, {setup.device, setup.dtype});
  networks.code_reader = reader.get();
  networks.decoder = std::move(reader);
  auto& words = networks.language.tokenizer;
  if (!words) words = text::load_tokenizer(setup.language);
  networks.code_answers = std::make_unique<decoder::CodeAnswers>(*networks.code_reader, *words);
}

std::unique_ptr<model::KeyEncoder> load_minilm(const JobSetup& setup) {
  model::MiniLmOptions options;
  options.arithmetic = setup.arithmetic;
  options.device = setup.encode_device;
  return model::load_minilm(setup.keys_folder, options);
}

std::unique_ptr<model::KeyEncoder> load_keys(Networks& networks, const JobSetup& setup) {
  if (setup.keys == "minilm") return load_minilm(setup);
  if (setup.keys == "static") return load_static_keys(setup);
  const auto length = setup.keys == "code" ? model::KeyLength::kCodes : model::KeyLength::kUnit;
  return model::make_model_keys(*networks.codes, *networks.tokenizer, length);
}

[[noreturn]] void refuse_architecture(const JobSetup& setup, const std::string& architecture) {
  throw base::FormatError((setup.model / "config.json").string() + ": the architecture \"" + architecture +
                          "\" is not known; known are larimar-compact and larimar (written by 'larimar convert')");
}

}  // namespace

LanguageParts load_language(const JobSetup& setup) {
  LanguageParts parts;
  parts.tokenizer = text::load_tokenizer(setup.language);
  parts.model = model::load_language_model(setup.language, {setup.device, setup.dtype});
  return parts;
}

Segmenting load_segmenting(const JobSetup& setup) {
  const std::string architecture = model::read_architecture(setup.model);
  if (architecture == "larimar-compact") {
    const model::CompactConfig config = model::read_compact_config(setup.model / "config.json");
    return {text::load_tokenizer(setup.model / "tokenizer.json"), static_cast<std::size_t>(config.positions) - 1};
  }
  if (architecture != "larimar") refuse_architecture(setup, architecture);
  return {model::load_larimar_tokenizer(setup.model, "encoder"),
          model::read_larimar_config(setup.model).segment_tokens - 2};
}

namespace {

void load_all(Networks& networks, const JobSetup& setup, const NetworkNeeds& needs) {
  const bool own_keys = setup.keys != "minilm" && setup.keys != "static";
  const NetworkNeeds all{.codes = !networks.codes && (needs.codes || (needs.keys && own_keys)),
                         .keys = !networks.keys && needs.keys,
                         .decoder = !networks.decoder && needs.decoder && setup.decoder_model.empty(),
                         .ranker = !networks.ranker && needs.ranker};
  const std::string architecture = model::read_architecture(setup.model);
  if (architecture == "larimar-compact") {
    load_compact(networks, setup, all);
  } else if (architecture == "larimar") {
    load_larimar(networks, setup, all);
  } else {
    refuse_architecture(setup, architecture);
  }
  if (all.keys) networks.keys = load_keys(networks, setup);
  if (all.ranker && setup.keys == "static") networks.ranker = load_minilm(setup);
  const bool decodes = needs.decoder && !networks.decoder_service;
  if (decodes && needs_language(setup)) {
    networks.language = load_language(setup);
    networks.language_service =
        std::make_unique<decoder::LanguageService>(*networks.language.model, *networks.language.tokenizer);
  }
  if (decodes && !setup.decoder_model.empty()) load_code_reader(networks, setup);
  if (decodes) {
    const text::Tokenizer& words = networks.decoder_tokenizer ? *networks.decoder_tokenizer : *networks.tokenizer;
    networks.decoder_service = std::make_unique<decoder::DecoderService>(*networks.decoder, words);
  }
}

}  // namespace

void complete_networks(Networks& networks, const JobSetup& setup, const NetworkNeeds& needs) {
  model::with_device_memory("the networks of " + setup.model.string(),
                            "end what else uses the device, put fewer ranks on it, or choose --dtype bfloat16 or the "
                            "device cpu",
                            [&] { load_all(networks, setup, needs); });
  LARIMAR_FAILPOINT("launch.models.loaded");
}

Networks load_networks(const JobSetup& setup, const NetworkNeeds& needs) {
  Networks networks;
  complete_networks(networks, on_devices(*comm::make_single_transport(), setup, needs), needs);
  return networks;
}

}  // namespace larimar::launch

#include "launch/networks.h"

#include "common/base/error.h"
#include "common/base/failpoint.h"
#include "common/model/compact.h"
#include "common/model/minilm.h"
#include "common/model/model_keys.h"
#include "decoder/compact_decoder.h"

namespace larimar::launch {

Networks load_networks(const JobSetup& setup, const NetworkNeeds& needs) {
  Networks networks;
  const model::CompactConfig config = model::read_compact_config(setup.model / "config.json");
  networks.code_size = static_cast<std::size_t>(config.code_size());
  networks.tokenizer = text::load_tokenizer(setup.model / "tokenizer.json");
  if (networks.tokenizer->size() != config.vocabulary) {
    throw base::FormatError((setup.model / "tokenizer.json").string() + " has " +
                            std::to_string(networks.tokenizer->size()) + " pieces where config.json says " +
                            std::to_string(config.vocabulary));
  }
  const bool model_keys = setup.keys == "model";
  if (needs.codes || (needs.keys && model_keys)) networks.codes = model::load_compact_encoder(setup.model);
  if (needs.keys) {
    networks.keys = model_keys ? model::make_model_keys(*networks.codes, *networks.tokenizer)
                               : model::load_minilm(setup.keys_folder);
  }
  if (needs.decoder) {
    networks.decoder = decoder::load_compact_decoder(setup.model, setup.device);
    networks.decoder_service = std::make_unique<decoder::DecoderService>(*networks.decoder, *networks.tokenizer);
  }
  LARIMAR_FAILPOINT("launch.models.loaded");
  return networks;
}

}  // namespace larimar::launch

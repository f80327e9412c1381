#include "common/model/larimar_config.h"

namespace larimar::model {

std::string read_architecture(const std::filesystem::path& folder) {
  const JsonFields fields(folder / "config.json");
  return fields.has("architecture") ? fields.get<std::string>("architecture") : fields.get<std::string>("model_type");
}

LarimarConfig read_larimar_config(const std::filesystem::path& folder) {
  const JsonFields fields(folder / "config.json");
  fields.expect<std::string>("architecture", "larimar");
  LarimarConfig config;
  config.encoder = read_bert_config(fields.object("encoder"));
  config.code_size = fields.size("code_size", std::uint64_t{1} << 20);
  config.segment_tokens = static_cast<std::size_t>(fields.size("segment_tokens", config.encoder.positions));
  if (config.segment_tokens < 6) {
    throw base::FormatError(fields.file() + ": \"segment_tokens\" is " + std::to_string(config.segment_tokens) +
                            "; a segment needs at least 6, [CLS] and [SEP] included");
  }
  return config;
}

}  // namespace larimar::model

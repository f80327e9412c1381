#include "common/model/minilm_config.h"

#include "common/base/error.h"

namespace larimar::model {
namespace {

void check_pooling(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return;
  const JsonFields fields(path);
  fields.expect("pooling_mode_mean_tokens", true);
  for (const char* other : {"pooling_mode_cls_token", "pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens"}) {
    fields.expect_if_present(other, false);
  }
}

}  // namespace

MiniLmConfig read_minilm_config(const std::filesystem::path& folder) {
  MiniLmConfig config{read_bert_config(JsonFields(folder / "config.json"))};
  const auto sentence = folder / "sentence_bert_config.json";
  const bool limited = std::filesystem::exists(sentence);
  config.max_tokens = static_cast<std::size_t>(limited ? JsonFields(sentence).size("max_seq_length", config.positions)
                                                       : config.positions);
  if (config.max_tokens < 3) throw base::FormatError(folder.string() + ": a text must be allowed at least 3 tokens");
  check_pooling(folder / "1_Pooling/config.json");
  return config;
}

}  // namespace larimar::model

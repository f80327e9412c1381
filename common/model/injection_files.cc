#include "common/model/injection_files.h"

#include <torch/torch.h>

#include <string>

#include "common/base/error.h"
#include "common/model/adapters.h"
#include "common/model/causal_weights.h"
#include "common/model/checkpoint.h"
#include "common/model/safetensors_check.h"

namespace larimar::model {
namespace {

constexpr const char* kInjection = "injection.";
constexpr const char* kAdapters = "adapters.";

TensorShapes injection_tensors(const InjectionImpl& injection) {
  TensorShapes shapes;
  for (const auto& item : injection.named_parameters())
    shapes[kInjection + item.key()] = {"FLOAT", {item.value().sizes().begin(), item.value().sizes().end()}};
  return shapes;
}

CausalConfig llama_of(const std::filesystem::path& language, const InjectionConfig& config) {
  CausalConfig causal = read_causal_config(language);
  if (causal.architecture != "llama") throw base::FormatError(language.string() + " is no Llama");
  if (static_cast<std::int64_t>(causal.hidden) != config.hidden) {
    throw base::FormatError(language.string() + " has embeddings of " + std::to_string(causal.hidden) +
                            " numbers, the injection is for " + std::to_string(config.hidden));
  }
  return causal;
}

}  // namespace

InjectionParts load_injection(const std::filesystem::path& folder, const std::filesystem::path& language,
                              const at::TensorOptions& options) {
  InjectionParts parts;
  parts.config = read_injection_config(folder);
  const CausalConfig causal = llama_of(language, parts.config);
  const auto tokenizer = text::load_tokenizer(language);
  parts.begin = tokenizer->id_of(kInjectionBegin);
  parts.end = tokenizer->id_of(kInjectionEnd);
  const Checkpoint checkpoint(folder);
  const auto base = std::make_shared<const Checkpoint>(language);
  const TensorShapes weights = adapted_weights(causal, causal_names(causal, *base, ""));
  parts.injection = Injection(parts.config);
  TensorShapes expected = injection_tensors(*parts.injection);
  expected.merge(adapter_tensors(weights, kAdapters, static_cast<std::uint64_t>(parts.config.rank)));
  require_tensors(checkpoint.source(), checkpoint.tensors(), expected);
  torch::NoGradGuard guard;
  for (auto& item : parts.injection->named_parameters())
    item.value().copy_(borrow_tensor(checkpoint.at(kInjection + item.key())));
  parts.injection->to(options.device());
  const Adapters adapters = read_adapters(checkpoint, weights, kAdapters);
  parts.language = std::make_unique<CausalNetwork>(base, causal, "", options, TensorShapes{}, &adapters);
  return parts;
}

}  // namespace larimar::model

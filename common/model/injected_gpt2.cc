#include "common/model/injected_gpt2.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/model/causal_generator.h"
#include "common/model/causal_network.h"
#include "common/model/in_batches.h"
#include "common/model/placement.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

/// Both matrices of the injection. One that is switched off may be there, and is then checked too.
TensorShapes injection_tensors(const Checkpoint& checkpoint, const InjectedGpt2Config& config,
                               const std::string& base) {
  TensorShapes shapes;
  const auto add = [&](const std::string& name, bool is_used, std::uint64_t rows) {
    if (is_used || checkpoint.has(base + name)) shapes[base + name] = {"FLOAT", {rows, config.code_size}};
  };
  add("linear.weight", config.is_past, config.network.layers * config.network.hidden);
  add("linear_emb.weight", config.is_embedding, config.network.hidden);
  return shapes;
}

void check_token(text::TokenId token, std::uint64_t vocabulary) {
  if (token >= 0 && static_cast<std::uint64_t>(token) < vocabulary) return;
  throw base::ShapeError("token " + std::to_string(token) + " is outside the decoder's vocabulary of " +
                         std::to_string(vocabulary));
}

}  // namespace

InjectedGpt2Config read_injected_gpt2_config(const JsonFields& fields, std::uint64_t code_size) {
  InjectedGpt2Config config;
  config.network = read_causal_config(fields);
  if (config.network.architecture != "gpt2") fields.refuse("model_type", "\"gpt2\", the decoder that takes a code");
  config.code_size = code_size;
  if (fields.is_given("latent_size")) fields.expect<std::uint64_t>("latent_size", code_size);
  config.is_past = fields.flag_or("latent_as_gpt_memory", true);
  config.is_embedding = fields.flag_or("latent_as_gpt_emb", true);
  if (!config.is_past && !config.is_embedding)
    fields.refuse("latent_as_gpt_emb", "true, for latent_as_gpt_memory is false too and the code would have no effect");
  return config;
}

struct InjectedGpt2::Parts {
  InjectedGpt2Config config;
  CausalNetwork network;
  CausalGenerator generator;
  at::Tensor to_past;       // [layers * hidden, C], or undefined
  at::Tensor to_embedding;  // [hidden, C], or undefined

  Parts(const std::shared_ptr<const Checkpoint>& checkpoint, const InjectedGpt2Config& sizes, const std::string& prefix,
        const at::TensorOptions& options)
      : config(sizes),
        network(checkpoint, sizes.network, prefix, options,
                injection_tensors(*checkpoint, sizes, causal_names(sizes.network, *checkpoint, prefix).base)),
        generator(network) {
    const c10::InferenceMode inference;
    const TensorReader reader(*checkpoint, options);
    const std::string base = causal_names(sizes.network, *checkpoint, prefix).base;
    if (config.is_past) to_past = reader.read(base + "linear.weight");
    if (config.is_embedding) to_embedding = reader.read(base + "linear_emb.weight");
  }

  [[nodiscard]] at::Tensor read_codes(linalg::ConstMatrixRef codes) const {
    if (static_cast<std::uint64_t>(codes.cols()) != config.code_size) {
      throw base::ShapeError("codes of " + std::to_string(codes.cols()) + " numbers; the decoder takes " +
                             std::to_string(config.code_size));
    }
    return to_device(codes, network.options());
  }

  /// A cache that holds the position made of each code [B, C]; empty rows if codes do not go in that way.
  [[nodiscard]] KvCache inject(const at::Tensor& codes, std::int64_t room) const {
    KvCache cache = network.make_cache();
    cache.reset(std::vector<std::int64_t>(static_cast<std::size_t>(codes.size(0)), 0), room + 1);
    if (!config.is_past) return cache;
    const KvCache::Sizes& sizes = cache.sizes();
    const at::Tensor past =
        at::mm(codes, to_past.t()).view({codes.size(0), sizes.layers, 1, sizes.heads, sizes.head_size});
    for (std::int64_t layer = 0; layer < sizes.layers; ++layer)
      cache.append(layer, past.select(1, layer), past.select(1, layer));
    cache.advance(1);
    return cache;
  }

  [[nodiscard]] at::Tensor addend(const at::Tensor& codes) const {
    return config.is_embedding ? at::mm(codes, to_embedding.t()).unsqueeze(1) : at::Tensor();
  }

  [[nodiscard]] std::size_t positions() const {
    return static_cast<std::size_t>(config.network.positions) - (config.is_past ? 1U : 0U);
  }
};

InjectedGpt2::InjectedGpt2(std::shared_ptr<const Checkpoint> checkpoint, const InjectedGpt2Config& config,
                           const std::string& prefix, const Placement& placement)
    : parts_(std::make_unique<Parts>(checkpoint, config, prefix, tensor_options(placement))) {}

InjectedGpt2::~InjectedGpt2() = default;

linalg::Index InjectedGpt2::code_size() const { return static_cast<linalg::Index>(parts_->config.code_size); }

std::int64_t InjectedGpt2::vocabulary() const { return static_cast<std::int64_t>(parts_->config.network.vocabulary); }

std::size_t InjectedGpt2::positions() const { return parts_->positions(); }

linalg::Matrix InjectedGpt2::logits(linalg::ConstMatrixRef code, std::span<const text::TokenId> tokens) {
  if (code.rows() != 1) throw base::ShapeError("one code is needed, not " + std::to_string(code.rows()));
  if (tokens.empty() || tokens.size() > positions()) {
    throw base::ShapeError("a text of " + std::to_string(tokens.size()) + " tokens; the decoder takes 1 to " +
                           std::to_string(positions()));
  }
  for (const text::TokenId token : tokens) check_token(token, parts_->config.network.vocabulary);
  const c10::InferenceMode inference;
  const at::Tensor codes = parts_->read_codes(code);
  const std::vector<std::int64_t> ids(tokens.begin(), tokens.end());
  KvCache cache = parts_->inject(codes, static_cast<std::int64_t>(ids.size()));
  const at::Tensor states = parts_->network.hidden(
      {.tokens = to_tensor(std::span(ids)).unsqueeze(0), .addend = parts_->addend(codes), .is_long = false}, cache);
  return to_matrix(parts_->network.logits(states.squeeze(0)));
}

std::vector<Tokens> InjectedGpt2::decode(linalg::ConstMatrixRef codes, const InjectedGeneration& options) {
  if (options.max_new_tokens >= positions()) {
    throw base::ShapeError(std::to_string(options.max_new_tokens) +
                           " new tokens were asked for; the decoder has room for " + std::to_string(positions() - 1));
  }
  if (options.batch == 0) throw base::ConfigError("the decoder's batch must be at least 1");
  check_token(options.bos, parts_->config.network.vocabulary);
  check_token(options.eos, parts_->config.network.vocabulary);
  const c10::InferenceMode inference;
  const at::Tensor all = parts_->read_codes(codes);
  const GenerationOptions generation{.max_new_tokens = options.max_new_tokens, .stop = {options.eos}};
  std::vector<Tokens> answers;
  auto batch = static_cast<std::int64_t>(options.batch);
  in_batches(all.size(0), batch, "codes to decode", [&](std::int64_t first, std::int64_t count) {
    const at::Tensor some = all.narrow(0, first, count);
    const std::vector<Tokens> starts(static_cast<std::size_t>(count), Tokens{options.bos});
    auto texts = parts_->generator.run_behind(
        parts_->inject(some, static_cast<std::int64_t>(std::min<std::size_t>(options.max_new_tokens, 256)) + 1),
        parts_->addend(some), starts, generation);
    std::ranges::move(texts, std::back_inserter(answers));
  });
  return answers;
}

}  // namespace larimar::model

#include "bench/parts/networks.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "bench/parts/limits.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/model/compact.h"
#include "common/model/compact_config.h"
#include "common/model/language_model.h"
#include "common/model/minilm.h"
#include "common/model/runtime.h"
#include "common/model/safetensors.h"
#include "decoder/compact_decoder.h"
#include "decoder/injected_decoder.h"
#include "launch/setup.h"
#include "shard/key_memory.h"

namespace larimar::bench {
namespace {

using text::TokenId;
using Texts = std::vector<std::vector<TokenId>>;

constexpr std::size_t kTogether = 64;  // segments, as a block of a shard
constexpr std::size_t kTokens = 24;    // of a segment, about as many as a sentence has

/// Numbers in the matrices of a safetensors file, of names that begin with `prefix` and hold none of `without`: what each token is
/// multiplied with.
std::uint64_t matrix_numbers(const std::filesystem::path& file, const std::string& prefix,
                             const std::vector<std::string>& without) {
  const model::SafetensorsFile weights(file);
  std::uint64_t numbers = 0;
  for (const auto& [name, tensor] : weights.tensors()) {
    const bool left_out =
        std::ranges::any_of(without, [&](const auto& word) { return name.find(word) != std::string::npos; });
    if (tensor.shape.size() == 2 && name.starts_with(prefix) && !left_out) numbers += tensor.shape[0] * tensor.shape[1];
  }
  return numbers;
}

Texts random_segments(std::size_t count, std::int64_t vocabulary) {
  base::Random random(1);
  Texts segments(count);
  for (auto& segment : segments) {
    for (std::size_t i = 0; i < kTokens; ++i)
      segment.push_back(static_cast<TokenId>(3 + random.next() % static_cast<std::uint64_t>(vocabulary - 3)));
  }
  return segments;
}

std::vector<std::string> random_texts(std::size_t count) {
  constexpr const char* kWords[] = {"river", "the", "light", "of", "under", "stone", "a", "seven", "morning", "and"};
  base::Random random(1);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    for (std::size_t i = 0; i < kTokens; ++i) text += std::string(kWords[random.next() % std::size(kWords)]) + " ";
  }
  return texts;
}

/// What is measured: so many tokens a call.
struct Subject {
  std::string part, name;
  std::function<std::size_t()> work;  // returns tokens
  double flops_per_token = 0;         // limit sgemm, unless
  std::uint64_t bytes_per_token = 0;  // this is given: limit memory
};

struct Setting {
  const BenchOptions& options;
  launch::JobSetup setup;
};

Measured measure(const Setting& setting, const Subject& subject) {
  SquareProduct product(setting.options.quick ? 128 : 2048);
  const std::size_t bytes = setting.options.quick ? 1 << 20 : subject.bytes_per_token;
  std::optional<shard::KeyMemory> weights;
  std::vector<std::span<const std::byte>> pieces;
  if (subject.bytes_per_token > 0) {
    weights.emplace(bytes);
    std::fill_n(weights->data(), bytes, std::byte{1});
    pieces.emplace_back(weights->data(), bytes);
  }
  static_cast<void>(subject.work());
  std::vector<double> rates, shares;
  for (int round = 0; round < setting.options.rounds; ++round) {
    // Milliseconds that the limit allows a token.
    const double least =
        pieces.empty() ? subject.flops_per_token / product.flops() * product.run().cpu : read_all(pieces).cpu;
    std::size_t tokens = 0;
    const double taken = time_of([&] { tokens = subject.work(); }).cpu;
    rates.push_back(1e3 * static_cast<double>(tokens) / taken);
    shares.push_back(least * static_cast<double>(tokens) / taken);
  }
  return {subject.part,  subject.name, median(rates), "tokens/s", pieces.empty() ? "sgemm" : "read from memory",
          median(shares)};
}

/// False, with a line, if there is nothing at `folder`.
bool is_there(const std::filesystem::path& folder, const std::string& what) {
  const bool there = std::filesystem::exists(folder / "config.json");
  if (!there)
    base::log(base::LogLevel::kWarning, "bench leaves out " + what + ": " + folder.string() + " is not there");
  return there;
}

std::string name_of(model::Arithmetic arithmetic) {
  return arithmetic == model::Arithmetic::kInteger ? "integers" : "floats";
}

Measured measure_codes(const Setting& setting, model::Arithmetic arithmetic) {
  const std::filesystem::path& folder = setting.setup.model;
  const model::CompactConfig config = model::read_compact_config(folder / "config.json");
  const auto encoder = model::load_compact_encoder(folder, arithmetic);
  const Texts segments = random_segments(setting.options.quick ? 8 : kTogether, config.vocabulary);
  const auto numbers_of = [&](const char* prefix) {
    return static_cast<double>(matrix_numbers(folder / "model.safetensors", prefix, {}));
  };
  const double macs =
      numbers_of("encoder.layers") + numbers_of("encoder.to_latent") / static_cast<double>(config.group());
  const auto work = [&] {
    static_cast<void>(encoder->encode(segments));
    return segments.size() * (kTokens + 1);
  };
  return measure(setting, {.part = "encode",
                           .name = "codes of the shipped model, " + name_of(arithmetic),
                           .work = work,
                           .flops_per_token = 2 * macs});
}

Measured measure_keys(const Setting& setting, model::Arithmetic arithmetic) {
  const std::filesystem::path& folder = setting.setup.keys_folder;
  const auto encoder = model::load_minilm(folder, {.arithmetic = arithmetic});
  const std::vector<std::string> texts = random_texts(setting.options.quick ? 8 : 4 * kTogether);  // a word is a piece
  const auto numbers = matrix_numbers(folder / "model.safetensors", "", {"embeddings", "pooler"});
  const auto work = [&] {
    static_cast<void>(encoder->encode(texts));
    return texts.size() * (kTokens + 2);
  };
  return measure(setting, {.part = "encode",
                           .name = "MiniLM keys, " + name_of(arithmetic),
                           .work = work,
                           .flops_per_token = 2 * static_cast<double>(numbers)});
}

/// Codes to text, where `numbers` are multiplied for a token.
std::vector<Measured> measure_texts(const Setting& setting, model::CodeDecoder& decoder, const std::string& by,
                                    std::uint64_t numbers, bool token_by_token) {
  const std::filesystem::path& folder = setting.setup.model;
  const auto vocabulary = model::read_compact_config(folder / "config.json").vocabulary;
  const auto encoder = model::load_compact_encoder(folder);
  std::vector<Measured> lines;
  for (const std::size_t batch : {std::size_t{1}, std::size_t{8}, kTogether}) {
    const linalg::Matrix codes = encoder->encode(random_segments(batch, vocabulary));
    const auto work = [&] {
      std::size_t tokens = 0;
      for (const auto& text : decoder.decode(codes)) tokens += text.size() + 1;
      return tokens;
    };
    lines.push_back(measure(setting, {.part = "decode",
                                      .name = "codes to text" + by + ", " + std::to_string(batch) + " together",
                                      .work = work,
                                      .flops_per_token = 2 * static_cast<double>(numbers),
                                      .bytes_per_token = batch == 1 && token_by_token ? 4 * numbers : 0}));
  }
  return lines;
}

std::vector<Measured> measure_compact(const Setting& setting) {
  const std::filesystem::path& folder = setting.setup.model;
  const auto decoder = decoder::load_compact_decoder(folder, "cpu");
  const auto numbers = matrix_numbers(folder / "model.safetensors", "decoder", {"positions", "latent_to_past"});
  return measure_texts(setting, *decoder, "", numbers, true);
}

std::vector<Measured> measure_injection(const Setting& setting) {
  const std::filesystem::path folder = launch::home_folder() / "models" / "larimar-smol";
  const auto decoder = decoder::load_injected_decoder(folder, setting.setup.language, {});
  const auto numbers =
      matrix_numbers(folder / "model.safetensors", "injection.", {"positions", "embedding", "from_latent"});
  return measure_texts(setting, *decoder, " by larimar-smol", numbers, false);
}

std::vector<Measured> measure_language(const Setting& setting) {
  const std::filesystem::path& folder = setting.setup.language;
  const auto language = model::load_language_model(folder, {});
  const auto numbers = matrix_numbers(folder / "model.safetensors", "", {});
  const std::size_t tokens = setting.options.quick ? 2 : 16;
  std::vector<Measured> lines;
  for (const std::size_t batch : {std::size_t{1}, std::size_t{8}}) {
    const Texts prompts = random_segments(batch, language->vocabulary());
    const auto work = [&] {
      static_cast<void>(language->generate(prompts, {.max_new_tokens = tokens}));
      return tokens * batch;
    };
    lines.push_back(measure(setting, {.part = "decode",
                                      .name = "language model, prompt of 24 and " + std::to_string(tokens) +
                                              " tokens, " + std::to_string(batch) + " together",
                                      .work = work,
                                      .flops_per_token = 2 * static_cast<double>(numbers),
                                      .bytes_per_token = batch == 1 ? 4 * numbers : 0}));
  }
  return lines;
}

}  // namespace

std::vector<Measured> encode_part(comm::Transport&, const BenchOptions& options) {
  model::set_threads(1);
  const Setting setting{options, launch::resolve({})};
  const bool has_minilm = is_there(setting.setup.keys_folder, "MiniLM");
  std::vector<Measured> lines;
  for (const auto arithmetic : {model::Arithmetic::kFloat, model::Arithmetic::kInteger}) {
    lines.push_back(measure_codes(setting, arithmetic));
    if (has_minilm) lines.push_back(measure_keys(setting, arithmetic));
  }
  return lines;
}

std::vector<Measured> decode_part(comm::Transport&, const BenchOptions& options) {
  model::set_threads(1);
  const Setting setting{options, launch::resolve({})};
  std::vector<Measured> lines = measure_compact(setting);
  if (!is_there(setting.setup.language, "the language model")) return lines;
  for (const auto part : {measure_injection, measure_language})
    std::ranges::move(part(setting), std::back_inserter(lines));
  return lines;
}

}  // namespace larimar::bench

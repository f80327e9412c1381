// An encoder on given texts: what it gives, and how long it takes.
//
// usage: bench_encoder_speed FOLDER REQUEST.json
// REQUEST.json = {"texts": [...], "keys_file": "FILE", "repeat": 3, "network": "minilm" or "compact", "arithmetic": "float" or "integer"};
// the last two may be absent: minilm in floats. Prints one JSON object. bench/compare_families.py and bench/compare/encoders.py write it.
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "bench/parts/measured.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/compact.h"
#include "common/model/minilm.h"
#include "common/model/runtime.h"
#include "common/model/safetensors.h"

namespace larimar::bench {
namespace {

using Encode = std::function<linalg::Matrix()>;

/// Texts are cut into pieces within the measured time by a key encoder, before it by a code encoder.
Encode encoder_of(const std::string& folder, const nlohmann::json& request, const std::vector<std::string>& texts) {
  const bool integer = request.value("arithmetic", "float") == "integer";
  const auto arithmetic = integer ? model::Arithmetic::kInteger : model::Arithmetic::kFloat;
  if (request.value("network", "minilm") == "minilm") {
    model::MiniLmOptions options;
    options.arithmetic = arithmetic;
    const std::shared_ptr<model::KeyEncoder> encoder = model::load_minilm(folder, options);
    return [encoder, &texts] { return encoder->encode(texts); };
  }
  const std::shared_ptr<model::CodeEncoder> encoder = model::load_compact_encoder(folder, arithmetic);
  const auto tokenizer = text::load_tokenizer(std::filesystem::path(folder) / "tokenizer.json");
  std::vector<std::vector<text::TokenId>> segments;
  for (const std::string& text : texts) {
    segments.push_back(tokenizer->encode(text));
    segments.back().resize(std::min(segments.back().size(), encoder->max_tokens()));
  }
  return [encoder, segments] {
    constexpr std::size_t kTogether = 64;  // segments, as a block of a shard
    linalg::Matrix codes(static_cast<linalg::Index>(segments.size()), encoder->code_size());
    for (std::size_t first = 0; first < segments.size(); first += kTogether) {
      const std::size_t count = std::min(kTogether, segments.size() - first);
      codes.middleRows(static_cast<linalg::Index>(first), static_cast<linalg::Index>(count)) =
          encoder->encode(std::span(segments).subspan(first, count));
    }
    return codes;
  };
}

nlohmann::json run(const std::string& folder, const std::string& file) {
  model::set_threads(1);
  const auto request = nlohmann::json::parse(base::read_file(file));
  const auto texts = request.at("texts").get<std::vector<std::string>>();
  nlohmann::json result;
  base::Stopwatch watch;
  const Encode encode = encoder_of(folder, request, texts);
  result["load_s"] = watch.seconds();
  linalg::Matrix keys;
  Milliseconds best{1e12, 1e12};
  for (int i = 0; i < request.at("repeat").get<int>(); ++i) {
    const Milliseconds time = time_of([&] { keys = encode(); });
    best = {std::min(best.wall, time.wall), std::min(best.cpu, time.cpu)};
  }
  result["seconds"] = best.wall / 1e3;
  result["cpu_seconds"] = best.cpu / 1e3;
  const auto bytes = std::as_bytes(std::span(keys.data(), static_cast<std::size_t>(keys.size())));
  model::write_safetensors(
      request.at("keys_file").get<std::string>(),
      {{"keys", {"F32", {static_cast<std::uint64_t>(keys.rows()), static_cast<std::uint64_t>(keys.cols())}, bytes}}},
      {});
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result["peak_mib"] = usage.ru_maxrss / 1024;
  return result;
}

}  // namespace
}  // namespace larimar::bench

int main(int count, char** arguments) {
  try {
    if (count != 3) throw larimar::base::UsageError("usage: bench_encoder_speed FOLDER REQUEST.json");
    std::cout << larimar::bench::run(arguments[1], arguments[2]).dump(2) << '\n';
  } catch (const larimar::base::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
  return 0;
}

// A BERT sentence encoder on given texts: its keys, and how long they take.
//
// usage: bench_encoder_speed FOLDER REQUEST.json [--threads N]
// REQUEST.json = {"texts": [...], "keys_file": "FILE", "repeat": 3}; prints one JSON object. bench/compare_families.py writes
// it and compares.
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/minilm.h"
#include "common/model/runtime.h"
#include "common/model/safetensors.h"

namespace larimar::bench {
namespace {

nlohmann::json run(const std::string& folder, const std::string& file) {
  model::set_threads(1);
  const auto request = nlohmann::json::parse(base::read_file(file));
  const auto texts = request.at("texts").get<std::vector<std::string>>();
  nlohmann::json result;
  base::Stopwatch watch;
  const auto encoder = model::load_minilm(folder);
  result["load_s"] = watch.seconds();
  linalg::Matrix keys;
  double best = 1e9;
  for (int i = 0; i < request.at("repeat").get<int>(); ++i) {
    watch.restart();
    keys = encoder->encode(texts);
    best = std::min(best, watch.seconds());
  }
  result["seconds"] = best;
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

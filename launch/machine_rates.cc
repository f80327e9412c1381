#include "launch/machine_rates.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::launch {
namespace {

using coordinator::MachineRates;
using nlohmann::json;
using shard::KeyStore;

constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;
constexpr double kForNothing = 1e12;  // tokens a second where codes are the keys

struct Place {
  const std::filesystem::path& path;

  [[noreturn]] void refuse(const std::string& what) const {
    throw base::FormatError(path.string() + " has no rates that can be used: " + what +
                            "; --rates takes what `larimar bench --json` printed, or {\"rates\": {\"codes\": 16000}}");
  }
  [[nodiscard]] double positive(const json& value, const std::string& name) const {
    if (!value.is_number() || !(value.get<double>() > 0)) refuse(name + " is not a number above 0");
    return value.get<double>();
  }
};

/// Rows times width in "int8 keys, 250000 x 768, one query".
double components_in(const std::string& name, const Place& place) {
  const std::size_t at = name.find("keys, "), by = name.find(" x ");
  const double rows = at == std::string::npos ? 0 : std::strtod(name.c_str() + at + 6, nullptr);
  const double width = by == std::string::npos ? 0 : std::strtod(name.c_str() + by + 3, nullptr);
  if (!(rows > 0) || !(width > 0)) place.refuse("\"" + name + "\" does not say how many keys were scanned");
  return rows * width;
}

void take_line(const json& row, KeyStore store, const Place& place, MachineRates& rates) {
  if (!row.is_object() || !row.contains("measured") || !row["measured"].is_string() || !row.contains("value"))
    place.refuse("a line lacks \"measured\" and \"value\"");
  const std::string name = row["measured"];
  const auto value = [&] { return place.positive(row["value"], "\"" + name + "\""); };
  if (name == "message of 8 bytes") {
    rates.network.latency_seconds = 1e-6 * value();
    rates.network.overhead_seconds = 0;  // it is within
  } else if (name.starts_with(shard::name_of(store) + " keys, ")) {
    if (name.ends_with("one query"))
      rates.scanning = components_in(name, place) * static_cast<double>(bytes_of(store)) / (1e-3 * value());
    else
      rates.batch_flops = 1e9 * value();
  } else if (name == kStoringRate) {
    rates.storing = 1e6 * value();
  }
}

void take_named(const json& named, const Place& place, MachineRates& rates) {
  if (!named.is_object()) place.refuse("\"rates\" is not an object");
  const std::pair<const char*, double*> known[] = {{"segmenting", &rates.segmenting},
                                                   {"codes", &rates.codes},
                                                   {"keys", &rates.keys},
                                                   {"storing", &rates.storing},
                                                   {"scanning", &rates.scanning},
                                                   {"batch_flops", &rates.batch_flops},
                                                   {"bandwidth", &rates.network.bytes_per_second},
                                                   {"latency", &rates.network.latency_seconds},
                                                   {"overhead", &rates.network.overhead_seconds}};
  std::string names;
  for (const auto& [name, rate] : known) names += (names.empty() ? "" : ", ") + std::string(name);
  for (const auto& [given, value] : named.items()) {
    double* found = nullptr;
    for (const auto& [name, rate] : known)
      if (given == name) found = rate;
    if (found == nullptr) place.refuse("\"" + given + "\" is none of " + names);
    *found = place.positive(value, "\"" + given + "\"");
  }
}

}  // namespace

KeyMaker parse_key_maker(const std::string& name) {
  if (name == "minilm") return KeyMaker::kMinilm;
  if (name == "static") return KeyMaker::kStatic;
  if (name == "model") return KeyMaker::kModel;
  throw base::UsageError("\"" + name + "\" makes no keys; --keys takes minilm, static or model");
}

std::size_t key_size_of(KeyMaker maker) {
  switch (maker) {
    case KeyMaker::kMinilm:
      return 384;
    case KeyMaker::kStatic:
      return 256;
    case KeyMaker::kModel:
      break;
  }
  return 768;
}

std::size_t bytes_of(KeyStore store) {
  switch (store) {
    case KeyStore::kBFloat16:
      return 2;
    case KeyStore::kInt8:
      return 1;
    case KeyStore::kFloat32:
      break;
  }
  return sizeof(float);
}

// Measured as docs/scaling.md says, on the processor that it names; the network is that of docs/clusters.md.
MachineRates usual_rates(KeyMaker maker, KeyStore store) {
  MachineRates rates{
      .segmenting = 672'000,
      .codes = 16'700,
      .keys = 3'370,
      .storing = 600e6,
      .scanning = 15e9,
      .batch_flops = 90e9,
      .network = {
          .latency_seconds = 0.8e-6, .bytes_per_second = 12.5e9, .overhead_seconds = 0.4e-6, .eager_bytes = 65536}};
  if (maker == KeyMaker::kStatic) rates.keys = 1'340'000;
  if (maker == KeyMaker::kModel) rates.keys = kForNothing;
  if (store == KeyStore::kInt8) {
    rates.scanning = 17e9;
    rates.batch_flops = 135e9;
  }
  return rates;
}

// Peaks of docs/results.md, "What a context costs": a coordinator of 233 MiB and a decoder of 176 in all, a shard of 439 with
// 31 of segments; of these 125 are the program, as a rank of `larimar bench scaling --quick` without networks has them. MiniLM's
// weights and batches are estimated for static keys and the model's own, which do without.
coordinator::Footprint usual_footprint(KeyMaker maker) {
  return {.program = 125 * kMebi,
          .coordinator = (maker == KeyMaker::kModel ? 10 : 108) * kMebi,
          .decoder = 51 * kMebi,
          .ingesting = (maker == KeyMaker::kMinilm ? 283 : 170) * kMebi};
}

MachineRates read_rates(const std::filesystem::path& path, KeyStore store, MachineRates rates) {
  const Place place{path};
  const json file = json::parse(base::read_file(path), nullptr, false);
  if (file.is_discarded()) place.refuse("it is not JSON");
  if (!file.is_object() || (!file.contains("rows") && !file.contains("rates")))
    place.refuse("it has neither \"rows\" nor \"rates\"");
  if (file.contains("rows")) {
    if (!file["rows"].is_array()) place.refuse("\"rows\" is not a list");
    for (const json& row : file["rows"]) take_line(row, store, place, rates);
  }
  if (file.contains("rates")) take_named(file["rates"], place, rates);
  return rates;
}

}  // namespace larimar::launch

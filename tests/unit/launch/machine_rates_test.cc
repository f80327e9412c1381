#include "launch/machine_rates.h"

#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/support/temporary_text.h"

namespace larimar::launch {
namespace {

using shard::KeyStore;

coordinator::MachineRates read(const std::string& text, KeyStore store = KeyStore::kFloat32) {
  support::TemporaryText files;
  return read_rates(files.write("rates.json", text), store, usual_rates(KeyMaker::kMinilm, store));
}

constexpr const char* kBench = R"({"rows": [
  {"part": "limits", "measured": "message of 8 bytes", "value": 5.0, "unit": "us"},
  {"part": "scan", "measured": "fp32 keys, 1000 x 100, one query", "value": 0.04, "unit": "ms"},
  {"part": "scan", "measured": "int8 keys, 1000 x 100, one query", "value": 0.01, "unit": "ms"},
  {"part": "scan", "measured": "int8 keys, 1000 x 100, 64 queries", "value": 120.0, "unit": "GFLOP/s"},
  {"part": "scaling", "measured": "storing by the busiest rank", "value": 900.0, "unit": "MB/s"}]})";

TEST(MachineRates, LinesOfABenchAreTakenByStore) {
  const auto usual = usual_rates(KeyMaker::kMinilm, KeyStore::kFloat32);
  const auto floats = read(kBench), bytes = read(kBench, KeyStore::kInt8);
  EXPECT_DOUBLE_EQ(floats.scanning, 1000 * 100 * 4 / 0.04e-3);
  EXPECT_DOUBLE_EQ(bytes.scanning, 1000 * 100 / 0.01e-3);
  EXPECT_DOUBLE_EQ(bytes.batch_flops, 120e9);
  EXPECT_EQ(floats.batch_flops, usual.batch_flops) << "the file has no line for it";
  EXPECT_DOUBLE_EQ(floats.network.latency_seconds, 5e-6);
  EXPECT_EQ(floats.network.overhead_seconds, 0) << "half a round trip holds it already";
  EXPECT_DOUBLE_EQ(floats.storing, 900e6);
  EXPECT_EQ(floats.codes, usual.codes);
}

TEST(MachineRates, NamedRatesCountAboveLines) {
  const auto rates = read(R"({"rows": [{"measured": "message of 8 bytes", "value": 5}],
                              "rates": {"codes": 1000, "keys": 2000, "latency": 1e-5, "bandwidth": 1e9}})");
  EXPECT_EQ(rates.codes, 1000);
  EXPECT_EQ(rates.keys, 2000);
  EXPECT_EQ(rates.network.latency_seconds, 1e-5);
  EXPECT_EQ(rates.network.bytes_per_second, 1e9);
}

TEST(MachineRates, FilesThatHoldNoRatesAreRefusedByName) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"rows": 5})", R"({"rows": [5]})", R"({"rates": []})", R"({"rates": {"speed": 5}})",
        R"({"rates": {"codes": 0}})", R"({"rates": {"codes": "fast"}})",
        R"({"rows": [{"measured": "message of 8 bytes", "value": -1}]})",
        R"({"rows": [{"measured": "fp32 keys, many, one query", "value": 1}]})"}) {
    try {
      static_cast<void>(read(text));
      FAIL() << text;
    } catch (const base::FormatError& error) {
      EXPECT_NE(std::string(error.what()).find("rates.json"), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(static_cast<void>(read_rates("absent.json", KeyStore::kInt8, {})), base::MissingInputError);
}

TEST(MachineRates, KeyMakersAreThoseOfIngest) {
  EXPECT_EQ(key_size_of(parse_key_maker("minilm")), 384U);
  EXPECT_EQ(key_size_of(parse_key_maker("static")), 256U);
  EXPECT_EQ(key_size_of(parse_key_maker("model")), 768U);
  EXPECT_THROW(static_cast<void>(parse_key_maker("auto")), base::UsageError);
  EXPECT_GT(usual_rates(KeyMaker::kStatic, KeyStore::kInt8).keys, usual_rates(KeyMaker::kMinilm, KeyStore::kInt8).keys);
}

}  // namespace
}  // namespace larimar::launch

// Keys must be those of the Python libraries; made by tools/make_minilm_golden.py.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/model/minilm.h"
#include "common/model/safetensors.h"

namespace larimar::model {
namespace {

std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "." : value;
}

linalg::Matrix golden_keys(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  const TensorView& view = file.at("keys");
  linalg::Matrix keys(static_cast<linalg::Index>(view.shape.at(0)), static_cast<linalg::Index>(view.shape.at(1)));
  EXPECT_EQ(view.bytes.size(), static_cast<std::size_t>(keys.size()) * sizeof(float));
  std::memcpy(keys.data(), view.bytes.data(), view.bytes.size());
  return keys;
}

struct Golden {
  std::vector<std::string> texts;
  linalg::Matrix keys;
};

/// Empty where MiniLM is not installed.
Golden golden(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "model.safetensors")) {
    std::puts("LARIMAR SKIPPED: the MiniLM folder is not installed; launch/install.sh fetches it");
    return {};
  }
  const auto data = from_environment("LARIMAR_SOURCE_DIR") / "tests/data";
  std::istringstream lines(base::read_file(data / "minilm_sentences.jsonl"));
  Golden all{{}, golden_keys(data / "minilm_vectors.safetensors")};
  for (std::string line; std::getline(lines, line);)
    all.texts.push_back(nlohmann::json::parse(line)["text"].get<std::string>());
  EXPECT_EQ(all.texts.size(), 1000U);
  EXPECT_EQ(all.keys.rows(), 1000);
  return all;
}

TEST(MiniLmReference, EveryComponentOfAThousandSentencesIsWithinTheTolerance) {
  const auto folder = from_environment("LARIMAR_DEPS") / "minilm";
  const auto [texts, expected] = golden(folder);
  if (texts.empty()) GTEST_SKIP();
  const linalg::Matrix keys = load_minilm(folder)->encode(texts);
  linalg::Index row = 0;
  linalg::Index column = 0;
  const float worst = (keys - expected).cwiseAbs().maxCoeff(&row, &column);
  std::printf("largest difference %.3g at sentence %ld, component %ld\n", static_cast<double>(worst),
              static_cast<long>(row), static_cast<long>(column));
  EXPECT_LE(worst, 1e-4F) << "got " << keys(row, column) << ", expected " << expected(row, column)
                          << " for: " << texts[static_cast<std::size_t>(row)];
}

TEST(MiniLmReference, KeysInIntegersPointWhereThoseInFloatsDo) {
  const auto folder = from_environment("LARIMAR_DEPS") / "minilm";
  const auto [texts, expected] = golden(folder);
  if (texts.empty()) GTEST_SKIP();
  MiniLmOptions options;
  options.arithmetic = Arithmetic::kInteger;
  const linalg::Matrix keys = load_minilm(folder, options)->encode(texts);
  const float least = keys.cwiseProduct(expected).rowwise().sum().minCoeff();
  std::printf("least cosine %.6f\n", static_cast<double>(least));
  EXPECT_GE(least, 0.999F);
  EXPECT_GT((keys - expected).cwiseAbs().maxCoeff(), 1e-4F) << "were these integers?";
  const linalg::Matrix alone = load_minilm(folder, options)->encode(std::span(texts).first(1));
  EXPECT_GE(alone.row(0).dot(keys.row(0)), 1.0F - 1e-5F);
}

}  // namespace
}  // namespace larimar::model

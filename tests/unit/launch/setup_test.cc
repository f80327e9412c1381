#include "launch/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "tests/support/temporary_text.h"

namespace larimar::launch {
namespace {

std::string refusal(const JobSetup& setup) {
  try {
    static_cast<void>(resolve(setup));
  } catch (const base::Error& error) {
    return std::to_string(static_cast<int>(error.code())) + " " + error.what();
  }
  return "accepted";
}

TEST(Setup, AutoTakesTheSentenceEncoderWhereItIs) {
  const support::TemporaryText files;
  files.write("config.json", "{}");
  JobSetup setup;
  setup.model = files.folder();
  setup.keys_folder = files.folder();
  EXPECT_EQ(resolve(setup).keys, "model");
  setup.keys = "minilm";
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr(files.folder().string()),
                                             testing::HasSubstr("--keys model")));
  files.write("model.safetensors", "");
  EXPECT_EQ(refusal(setup), "accepted");
  setup.keys = "auto";
  EXPECT_EQ(resolve(setup).keys, "minilm");
  setup.keys = "model";
  EXPECT_EQ(resolve(setup).keys, "model") << "what was asked for stands";
}

TEST(Setup, AModelThatReadsCodesNeedsItsFolderAndALanguageModel) {
  const support::TemporaryText files;
  files.write("config.json", "{}");
  JobSetup setup;
  setup.model = setup.language = files.folder();
  setup.keys = "model";
  setup.code_reader = true;
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr("--decoder-model")));
  setup.decoder_model = files.folder() / "reader";
  EXPECT_THAT(refusal(setup),
              testing::AllOf(testing::StartsWith("66 "), testing::HasSubstr(setup.decoder_model.string())));
  setup.decoder_model = files.folder();
  EXPECT_EQ(refusal(setup), "accepted");
  EXPECT_LT(resolve(setup).batch, JobSetup{}.batch) << "answers take seconds each";
  EXPECT_EQ(to_json(setup)["reader"], "codes");
  EXPECT_EQ(to_json(setup)["decoder_model"], files.folder().string());
  setup.code_reader = false;
  EXPECT_EQ(resolve(setup).batch, JobSetup{}.batch) << "to decode takes no longer than usual";
  setup.language = files.folder() / "absent";
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr("--language-model")));
}

TEST(Setup, StaticKeysNeedTheirTableAndWholeSegments) {
  const support::TemporaryText files;
  files.write("config.json", "{}");
  files.write("model.safetensors", "");
  JobSetup setup;
  setup.model = setup.keys_folder = files.folder();
  setup.keys = "static";
  setup.key_table = files.folder() / "table";
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr(setup.key_table.string()),
                                             testing::HasSubstr("larimar static-keys")));
  files.write("table", "");
  EXPECT_EQ(refusal(setup), "accepted");
  EXPECT_EQ(resolve(setup).batch, 8U);
  setup.memory.slots = 4;
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr("stored keys")));
  setup.memory.slots = 0;
  setup.memory.addressing = memory::Addressing::kTopK;
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr("blend")));
  setup.memory.addressing = memory::Addressing::kNearest;
  setup.keys = "minilm";
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr("--key-table")));
  setup.keys = "static";
  setup.keys_folder = files.folder() / "absent";
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("78 "), testing::HasSubstr("absent")));
}

TEST(Setup, AModelFolderWithoutAModelIsRefusedByName) {
  const support::TemporaryText files;
  JobSetup setup;
  setup.model = files.folder();
  setup.keys = "model";
  EXPECT_THAT(refusal(setup), testing::AllOf(testing::StartsWith("66 "), testing::HasSubstr(files.folder().string()),
                                             testing::HasSubstr("--model")));
}

TEST(Setup, KeyModesByName) {
  EXPECT_EQ(parse_key_mode("prefix"), shard::KeyMode::kPrefix);
  EXPECT_EQ(parse_key_mode("segment"), shard::KeyMode::kSegment);
  EXPECT_EQ(parse_key_mode("sentence"), shard::KeyMode::kSentence);
  EXPECT_THROW(static_cast<void>(parse_key_mode("Segment")), base::UsageError);
}

TEST(Setup, TheReportHoldsEveryChoiceThatChangesAnAnswer) {
  const auto json = to_json(JobSetup{});
  for (const char* name : {"model", "keys", "key_mode", "prefix_words", "segment", "max_tokens", "strict", "slots",
                           "addressing", "aggregation", "solve", "ridge", "reads", "scope", "batch", "seed"}) {
    EXPECT_TRUE(json.contains(name)) << name;
  }
}

}  // namespace
}  // namespace larimar::launch

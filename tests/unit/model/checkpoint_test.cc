#include "common/model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr const char* kIndex = "model.safetensors.index.json";

/// A folder of its own, with tensors of six floats each.
class CheckpointFolder : public ::testing::Test {
 protected:
  CheckpointFolder() { std::filesystem::create_directories(path_); }
  ~CheckpointFolder() override { std::filesystem::remove_all(path_); }

  void part(const std::string& file, const std::vector<std::string>& names) const {
    std::map<std::string, TensorView> tensors;
    for (const std::string& name : names) tensors[name] = {"F32", {2, 3}, std::as_bytes(std::span(values_))};
    write_safetensors(path_ / file, tensors, {});
  }
  void index(const std::string& text) const { std::ofstream(path_ / kIndex) << text; }
  [[nodiscard]] auto opening() const {
    return [this] { const Checkpoint checkpoint(path_); };
  }

  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("larimar_checkpoint_" + std::to_string(::getpid()));
  std::vector<float> values_ = {0, 1, 2, 3, 4, 5};
};

TEST_F(CheckpointFolder, OneFileOrItsParts) {
  part("a.safetensors", {"one", "two"});
  part("b.safetensors", {"three"});
  index(
      R"({"metadata": {}, "weight_map": {"one": "a.safetensors", "two": "a.safetensors", "three": "b.safetensors"}})");
  const Checkpoint parts(path_);
  EXPECT_EQ(parts.tensors().size(), 3U);
  EXPECT_EQ(parts.at("three").shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(parts.source().filename(), kIndex);
  part("model.safetensors", {"whole"});
  const Checkpoint whole(path_);
  EXPECT_TRUE(whole.has("whole"));
  EXPECT_FALSE(whole.has("one"));
  EXPECT_THAT([&] { static_cast<void>(whole.at("one")); }, ThrowsMessage<base::FormatError>(HasSubstr("\"one\"")));
}

TEST_F(CheckpointFolder, IndexAndPartsMustAgree) {
  part("a.safetensors", {"one", "two"});
  index(R"({"weight_map": {"one": "a.safetensors"}})");
  EXPECT_THAT(opening(), ThrowsMessage<base::FormatError>(AllOf(HasSubstr("\"two\""), HasSubstr("nowhere"))));
  index(R"({"weight_map": {"one": "a.safetensors", "two": "a.safetensors", "three": "a.safetensors"}})");
  EXPECT_THAT(opening(), ThrowsMessage<base::FormatError>(AllOf(HasSubstr("lacks \"three\""), HasSubstr(kIndex))));
  index(R"({"weight_map": {"one": "a.safetensors", "two": "gone.safetensors"}})");
  EXPECT_THAT(opening(), ThrowsMessage<base::FormatError>(AllOf(HasSubstr("\"two\""), HasSubstr("into gone"))));
  index(R"({"weight_map": {"one": "a.safetensors", "two": "a.safetensors", "x": "gone.safetensors"}})");
  EXPECT_THAT(opening(), ThrowsMessage<base::MissingInputError>(HasSubstr("gone.safetensors")));
}

TEST_F(CheckpointFolder, DamagedIndexesAreRefused) {
  EXPECT_THAT(opening(), ThrowsMessage<base::MissingInputError>(HasSubstr("larimar convert")));
  for (const char* text : {"[]", "{}", R"({"weight_map": []})", R"({"weight_map": {}})", "{\"weight_map\": {\"a\":"}) {
    index(text);
    EXPECT_THAT(opening(), ThrowsMessage<base::FormatError>(HasSubstr(kIndex)));
  }
  for (const char* name : {"\"../a.safetensors\"", "\"/etc/passwd\"", "\"\"", "\"..\"", "7"}) {
    index(std::string(R"({"weight_map": {"one": )") + name + "}}");
    EXPECT_THAT(opening(), ThrowsMessage<base::FormatError>(HasSubstr("no file name")));
  }
}

}  // namespace
}  // namespace larimar::model

#include "common/model/compact_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/model/compact_folder.h"

namespace larimar::model {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class CompactConfigTest : public ::testing::Test {
 protected:
  std::string fault(const std::string& field, const Json& value) const {
    Json root = to_json(tiny_config());
    root[field] = value;
    if (value.is_null()) root.erase(field);
    folder_.put_config(root);
    return fault_of<base::FormatError>([&] { (void)read_compact_config(folder_.config()); });
  }
  CompactFolder folder_;
};

TEST_F(CompactConfigTest, ComesBackWithAnyFieldsBesideIt) {
  Json root = to_json(tiny_config());
  root["training"] = {{"steps", 7}};
  folder_.put_config(root);
  const CompactConfig config = read_compact_config(folder_.config());
  EXPECT_EQ(to_json(config), to_json(tiny_config()));
  EXPECT_EQ(config.code_size(), 32);
  EXPECT_EQ(config.group(), 4);
}

TEST_F(CompactConfigTest, EveryFieldIsNeededWholeAndInRange) {
  const Json whole = to_json(tiny_config());
  for (const auto& [field, value] : whole.items()) {
    if (field == "architecture") continue;
    std::vector<Json> wrong{Json(), Json(-1), Json(1.5), Json("8"), Json(std::int64_t{1} << 40)};
    if (!field.ends_with("_id")) wrong.emplace_back(0);
    for (const Json& each : wrong) {
      EXPECT_THAT(fault(field, each), HasSubstr("\"" + field + "\" is missing or not a whole number")) << each;
    }
  }
}

TEST_F(CompactConfigTest, SizesMustFitEachOther) {
  EXPECT_THAT(fault("latents", 3), HasSubstr("latents must divide positions"));
  EXPECT_THAT(fault("heads", 3), HasSubstr("heads must divide width"));
  EXPECT_THAT(fault("eos_id", 40), HasSubstr("a special id is not below vocabulary"));
}

TEST_F(CompactConfigTest, OtherFilesAreRefused) {
  EXPECT_THAT(fault("architecture", "llama"), HasSubstr("\"architecture\" is not \"larimar-compact\""));
  EXPECT_THAT(fault("architecture", Json()), HasSubstr("\"architecture\" is not"));
  EXPECT_THAT(fault("architecture", 7), HasSubstr("\"architecture\" is not"));
  for (const char* content : {"", "[]", "{\"architecture\": "}) {
    base::write_file(folder_.config(), content);
    EXPECT_THAT(fault_of<base::FormatError>([&] { (void)read_compact_config(folder_.config()); }),
                HasSubstr("is not a JSON object"));
  }
  EXPECT_THROW((void)read_compact_config(folder_.path() / "absent.json"), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::model

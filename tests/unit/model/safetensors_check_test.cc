#include "common/model/safetensors_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <span>
#include <vector>

#include "common/base/error.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

TEST(RequireTensors, ListsEveryFaultAtOnce) {
  const auto path = std::filesystem::temp_directory_path() / ("larimar_check_" + std::to_string(::getpid()));
  const std::vector<float> values(6);
  const auto bytes = std::as_bytes(std::span(values));
  write_safetensors(path,
                    {{"good", {"F32", {2, 3}, bytes}},
                     {"turned", {"F32", {3, 2}, bytes}},
                     {"typed", {"I32", {6}, bytes}},
                     {"half", {"F16", {12}, bytes}},
                     {"more", {"F32", {6}, bytes}}},
                    {});
  const SafetensorsFile file(path);
  EXPECT_NO_THROW(require_tensors(path, file.tensors(),
                                  {{"good", {"F32", {2, 3}}}, {"half", {"FLOAT", {12}}}, {"more", {"FLOAT", {6}}}}));
  EXPECT_THAT(
      [&] {
        require_tensors(path, file.tensors(),
                        {{"good", {"F32", {2, 3}}},
                         {"turned", {"F32", {2, 3}}},
                         {"typed", {"FLOAT", {6}}},
                         {"absent", {"F32", {}}}});
      },
      ThrowsMessage<base::FormatError>(AllOf(
          HasSubstr(path.string()), Not(HasSubstr("good")), HasSubstr("turned: expected F32 [2, 3], found F32 [3, 2]"),
          HasSubstr("typed: expected FLOAT [6], found I32 [6]"), HasSubstr("absent: expected F32 [], missing"))));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace larimar::model

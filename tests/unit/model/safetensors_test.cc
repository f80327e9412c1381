#include "common/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::model {
namespace {

using ::testing::HasSubstr;

std::string length_prefix(std::uint64_t length) {
  std::string text;
  for (int i = 0; i < 8; ++i) text.push_back(static_cast<char>((length >> (8 * i)) & 0xff));
  return text;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return length_prefix(header.size()) + header + std::string(data_bytes, 'x');
}

std::string tensor(const std::string& name, const std::string& shape, std::uint64_t begin, std::uint64_t end,
                   const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

class Safetensors : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("larimar_safetensors_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path put(const std::string& bytes) const {
    std::ofstream(folder_ / "t.safetensors", std::ios::binary) << bytes;  // not base::write_file: thousands of syncs
    return folder_ / "t.safetensors";
  }
  /// The text of the FormatError that reading these bytes gives; empty when the file is accepted.
  [[nodiscard]] std::string refusal(const std::string& bytes) const {
    try {
      const SafetensorsFile file(put(bytes));
    } catch (const base::FormatError& error) {
      return error.what();
    }
    return {};
  }

  std::filesystem::path folder_;
};

std::span<const std::byte> as_bytes(const std::vector<float>& values) { return std::as_bytes(std::span(values)); }

TEST_F(Safetensors, WhatWasWrittenIsRead) {
  const std::vector<float> weights{1.5F, -2.0F, 0.25F, 3.0F, 4.0F, 5.0F};
  const std::vector<float> scalar{7.0F};
  const std::map<std::string, TensorView> tensors{{"layer.weight", {"F32", {2, 3}, as_bytes(weights)}},
                                                  {"scale", {"F32", {}, as_bytes(scalar)}},
                                                  {"none", {"I64", {0, 4}, {}}}};
  write_safetensors(folder_ / "a", tensors, {{"format", "pt"}, {"note", "Zürich"}});
  const SafetensorsFile file(folder_ / "a");
  ASSERT_EQ(file.tensors().size(), 3U);
  const TensorView& read = file.at("layer.weight");
  EXPECT_EQ(read.dtype, "F32");
  EXPECT_EQ(read.shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_TRUE(std::ranges::equal(read.bytes, as_bytes(weights)));
  EXPECT_TRUE(file.at("scale").shape.empty());
  EXPECT_EQ(file.at("none").bytes.size(), 0U);
  EXPECT_EQ(file.metadata().at("note"), "Zürich");
}

TEST_F(Safetensors, TheSameInputGivesTheSameAlignedBytes) {
  const std::vector<float> values{1.0F, 2.0F};
  for (const std::string name : {"a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"}) {
    write_safetensors(folder_ / "1", {{name, {"F32", {2}, as_bytes(values)}}}, {});
    write_safetensors(folder_ / "2", {{name, {"F32", {2}, as_bytes(values)}}}, {});
    const std::string bytes = base::read_file(folder_ / "1");
    EXPECT_EQ(bytes, base::read_file(folder_ / "2"));
    EXPECT_EQ((bytes.size() - 8) % 8, 0U) << name;
  }
}

TEST_F(Safetensors, StaysValidWhenMoved) {
  SafetensorsFile first(put(file_of("{" + tensor("a", "[2]", 0, 8) + "}", 8)));
  const SafetensorsFile second(std::move(first));
  EXPECT_EQ(std::to_integer<char>(second.at("a").bytes[7]), 'x');
}

TEST_F(Safetensors, HeaderOrderNeedNotBeDataOrder) {
  const std::string bytes = file_of("{" + tensor("late", "[1]", 4, 8) + "," + tensor("early", "[1]", 0, 4) + "}  ", 8);
  EXPECT_EQ(refusal(bytes), "");
}

TEST_F(Safetensors, EveryTruncationIsRefused) {
  const std::string whole =
      file_of("{" + tensor("a", "[2,2]", 0, 16) + "," + tensor("b", "[3]", 16, 19, "U8") + "}", 19);
  ASSERT_EQ(refusal(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size << " bytes";
}

TEST_F(Safetensors, EveryFlippedHeaderByteIsReadOrRefused) {
  const std::string whole = file_of("{" + tensor("a", "[2,2]", 0, 16) + "}", 16);
  for (std::size_t at = 0; at + 16 < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      EXPECT_NO_THROW(static_cast<void>(refusal(damaged))) << at;  // anything but FormatError would pass through
    }
  }
}

TEST_F(Safetensors, LengthsThatLieAreRefused) {
  const std::string header = "{" + tensor("a", "[1]", 0, 4) + "}";
  const std::string data = header + "xxxx";
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, header.size() + 5, std::uint64_t{100'000'001},
                                     UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 8, std::uint64_t{1} << 63}) {
    EXPECT_NE(refusal(length_prefix(length) + data), "") << length;
  }
}

TEST_F(Safetensors, SizesThatWrapAreRefused) {
  EXPECT_THAT(refusal(file_of("{" + tensor("a", "[4294967296,4294967296]", 0, 0) + "}", 0)), HasSubstr("overflows"));
  EXPECT_THAT(refusal(file_of("{" + tensor("a", "[4611686018427387904]", 0, 0) + "}", 0)), HasSubstr("overflows"));
  EXPECT_THAT(refusal(file_of("{" + tensor("a", "[1]", UINT64_MAX - 3, UINT64_MAX) + "}", 4)),
              HasSubstr("by its offsets"));
  EXPECT_THAT(refusal(file_of("{" + tensor("a", "[18446744073709551616]", 0, 4) + "}", 4)),
              HasSubstr("a size was expected"));
}

TEST_F(Safetensors, SpansThatDoNotCoverTheDataOnceAreRefused) {
  const auto two = [](std::uint64_t begin, std::uint64_t end) {
    return "{" + tensor("a", "[2]", 0, 8) + "," + tensor("b", "[2]", begin, end) + "}";
  };
  EXPECT_EQ(refusal(file_of(two(8, 16), 16)), "");
  EXPECT_THAT(refusal(file_of(two(4, 12), 12)), HasSubstr("overlaps"));
  EXPECT_THAT(refusal(file_of(two(0, 8), 8)), HasSubstr("overlaps"));
  EXPECT_THAT(refusal(file_of(two(12, 20), 20)), HasSubstr("gap"));
  EXPECT_THAT(refusal(file_of(two(8, 16), 15)), HasSubstr("cut short"));
  EXPECT_THAT(refusal(file_of(two(8, 16), 17)), HasSubstr("belong to none"));
  EXPECT_THAT(refusal(file_of("{" + tensor("a", "[2]", 8, 0) + "}", 8)), HasSubstr("before it begins"));
  EXPECT_THAT(refusal(file_of("{" + tensor("a", "[3]", 0, 8) + "}", 8)), HasSubstr("by its shape"));
  EXPECT_THAT(refusal(file_of("{}", 1)), HasSubstr("belong to none"));
}

TEST_F(Safetensors, NamesThatOccurTwiceAreRefused) {
  EXPECT_THAT(refusal(file_of("{" + tensor("a", "[1]", 0, 4) + "," + tensor("a", "[1]", 4, 8) + "}", 8)),
              HasSubstr("twice"));
  EXPECT_THAT(refusal(file_of(R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4)),
              HasSubstr("twice"));
  EXPECT_THAT(refusal(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0)), HasSubstr("twice"));
}

TEST_F(Safetensors, HeadersThatAreNotTheFormatAreRefused) {
  EXPECT_THAT(refusal(file_of(std::string(1'000'000, '['), 0)), HasSubstr("begin with '{'"));
  std::string deep = "{\"a\":";
  for (int i = 0; i < 200'000; ++i) deep += "{\"a\":";
  EXPECT_THAT(refusal(file_of(deep, 0)), HasSubstr("nested"));
  for (const std::string header : {R"([])", R"( {})", R"({}x)", R"({"a":1})", R"({"a":{}})",
                                   R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})",
                                   R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}})",
                                   R"({"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}})",
                                   R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})",
                                   R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
                                   R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})",
                                   R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})",
                                   R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})",
                                   R"({"__metadata__":{"k":1}})", R"({"__metadata__":null})"}) {
    EXPECT_NE(refusal(file_of(header, 4)), "") << header;
    EXPECT_NE(refusal(file_of(header, 0)), "") << header;
  }
  EXPECT_NE(refusal(file_of("\xEF\xBB\xBF{}", 0)), "");
  EXPECT_THAT(refusal(file_of(std::string("{}\0 {", 5), 0)), HasSubstr("NUL"));
  EXPECT_NE(refusal(file_of("{\"__metadata__\":{\"k\":\"\xff\"}}", 0)), "");
}

TEST_F(Safetensors, AMissingTensorAndAMissingFileAreNamed) {
  const SafetensorsFile file(put(file_of("{}", 0)));
  EXPECT_THAT([&] { static_cast<void>(file.at("w")); },
              ::testing::ThrowsMessage<base::FormatError>(HasSubstr("\"w\"")));
  EXPECT_THROW(SafetensorsFile(folder_ / "absent"), base::MissingInputError);
}

TEST_F(Safetensors, TheWriterRefusesWhatItCouldNotReadBack) {
  const std::vector<float> values{1.0F, 2.0F};
  const auto write = [&](const std::string& name, const TensorView& view, const std::string& note) {
    write_safetensors(folder_ / "w", {{name, view}}, {{"note", note}});
  };
  EXPECT_THROW(write("a", {"F32", {3}, as_bytes(values)}, ""), base::ShapeError);
  EXPECT_THROW(write("a", {"F99", {2}, as_bytes(values)}, ""), base::FormatError);
  EXPECT_THROW(write("__metadata__", {"F32", {2}, as_bytes(values)}, ""), base::FormatError);
  EXPECT_THROW(write("a", {"F32", {2}, as_bytes(values)}, "\xff"), base::FormatError);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace larimar::model

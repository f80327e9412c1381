#include "launch/codes_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/error.h"
#include "tests/support/temporary_text.h"

namespace larimar::launch {
namespace {

using linalg::Index;
using linalg::Matrix;

constexpr std::size_t kRows = 4, kCode = 3, kKey = 2;

/// A file's tensors with the memory that they stand in.
class Content {
 public:
  template <class Value>
  Content& add(const std::string& name, const char* kind, std::vector<std::uint64_t> shape,
               const std::vector<Value>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    bytes_[name].assign(bytes.begin(), bytes.end());
    tensors_.insert_or_assign(name, model::TensorView{kind, std::move(shape), bytes_[name]});
    return *this;
  }
  Content& matrix(const std::string& name, std::size_t rows, std::size_t columns) {
    std::vector<float> values(rows * columns);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) + 0.25F;
    return add(name, "F32", {rows, columns}, values);
  }
  [[nodiscard]] std::filesystem::path save() const {
    const std::filesystem::path path = files_.folder() / "codes.safetensors";
    model::write_safetensors(path, tensors_, {});
    return path;
  }
  [[nodiscard]] CodesFile open() const { return CodesFile(save()); }

 private:
  support::TemporaryText files_;
  std::map<std::string, std::vector<std::byte>> bytes_;
  std::map<std::string, model::TensorView> tensors_;
};

template <class Open>
void expect_refused(const Open& open, const std::vector<std::string>& words) {
  try {
    static_cast<void>(open());
    ADD_FAILURE() << "accepted, though " << words.front();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::ExitCode::kBadInput) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr("codes.safetensors"));
    for (const std::string& word : words) EXPECT_THAT(error.what(), testing::HasSubstr(word));
  }
}

TEST(CodesFile, RowsAndIdsAreThoseOfTheFile) {
  Content content;
  content.matrix("z", kRows, kCode).matrix("keys", kRows, kKey).add<std::int64_t>("ids", "I64", {kRows}, {7, 0, 99, 3});
  const CodesFile file = content.open();
  EXPECT_EQ(file.size(), kRows);
  EXPECT_EQ(file.code_size(), kCode);
  EXPECT_EQ(file.key_size(), kKey);
  EXPECT_THAT(file.ids(), testing::ElementsAre(7, 0, 99, 3));
  Matrix codes(2, 3), keys(2, 2);
  codes << 3.25F, 4.25F, 5.25F, 6.25F, 7.25F, 8.25F;
  keys << 2.25F, 3.25F, 4.25F, 5.25F;
  EXPECT_EQ(file.codes(1, 2), codes);
  EXPECT_EQ(file.keys(1, 2), keys);
  EXPECT_EQ(file.codes(kRows, 0).rows(), 0);
  EXPECT_NO_THROW(file.check_rows(0, kRows));
}

TEST(CodesFile, WithoutKeysTheCodesAreTheKeysAndIdsCount) {
  Content content;
  content.matrix("z", kRows, kCode);
  const CodesFile file = content.open();
  EXPECT_EQ(file.key_size(), kCode);
  EXPECT_EQ(file.keys(0, kRows), file.codes(0, kRows));
  EXPECT_THAT(file.ids(), testing::ElementsAre(0, 1, 2, 3));
}

TEST(CodesFile, NoRowsAreAFile) {
  Content content;
  content.matrix("z", 0, kCode);
  EXPECT_EQ(content.open().size(), 0U);
}

TEST(CodesFile, TensorsThatDoNotFitAreNamed) {
  const auto open = [](const auto& change) {
    return [change] {
      Content content;
      content.matrix("z", kRows, kCode).matrix("keys", kRows, kKey);
      change(content);
      return content.open();
    };
  };
  const std::vector<double> doubles(kRows * kCode);
  const std::vector<float> flat(kRows);
  using C = Content&;
  expect_refused(open([&](C c) {
                   c.add("z", "F64", {kRows, kCode}, doubles);
                 }),
                 {"\"z\"", "F64 [4, 3]", "must be F32"});
  expect_refused(open([&](C c) { c.add("z", "F32", {kRows}, flat); }), {"\"z\"", "F32 [4]", "two dimensions"});
  expect_refused(open([&](C c) { c.add("z", "F32", {kRows, 0}, std::vector<float>{}); }), {"\"z\"", "[4, 0]"});
  expect_refused(open([&](C c) { c.matrix("keys", kRows + 1, kKey); }), {"\"keys\"", "[5, 2]", "4 rows"});
  expect_refused(open([&](C c) { c.add("keys", "F32", {kRows}, flat); }), {"\"keys\"", "F32 [4]"});
  expect_refused(open([&](C c) { c.add<std::int32_t>("ids", "I32", {kRows}, {0, 1, 2, 3}); }), {"\"ids\"", "I32"});
  expect_refused(open([&](C c) {
                   c.add<std::int64_t>("ids", "I64", {2, 2}, {0, 1, 2, 3});
                 }),
                 {"\"ids\"", "one dimension"});
  expect_refused(open([&](C c) { c.add<std::int64_t>("ids", "I64", {3}, {0, 1, 2}); }), {"\"ids\"", "4 rows"});
  expect_refused(open([&](C c) {
                   c.add<std::int64_t>("ids", "I64", {4}, {0, 1, 2, 1});
                 }),
                 {"row 3 is 1", "came before"});
  expect_refused(open([&](C c) { c.add<std::int64_t>("ids", "I64", {4}, {0, 1, -2, 3}); }), {"row 2 is negative"});
  expect_refused(open([&](C c) { c.add<std::uint64_t>("ids", "U64", {4}, {0, 1, 2, 1ULL << 63}); }), {"row 3", "2^63"});
  Content without;
  without.matrix("keys", kRows, kKey);
  expect_refused([&] { return without.open(); }, {"z"});
}

TEST(CodesFile, AComponentThatIsNoNumberIsNamedByTensorAndRow) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(kRows * kCode);
    values[2 * kCode + 1] = bad;
    Content content;
    content.add("z", "F32", {kRows, kCode}, values).matrix("keys", kRows, kKey);
    const CodesFile file = content.open();
    EXPECT_NO_THROW(file.check_rows(0, 2));
    const auto check = [&] {
      file.check_rows(1, 3);
      return 0;
    };
    expect_refused(check, {"\"z\" row 2 "});
    Content keys;
    keys.matrix("z", kRows, kCode).add("keys", "F32", {kRows, kCode}, values);
    const CodesFile other = keys.open();
    const auto check_other = [&] {
      other.check_rows(0, kRows);
      return 0;
    };
    expect_refused(check_other, {"\"keys\" row 2 "});
    expect_refused([&] { return read_query_keys(keys.save(), kCode); }, {"\"keys\" row 2 "});
  }
}

TEST(CodesFile, QueryKeysMustBeAsWideAsTheMemorys) {
  Content content;
  content.matrix("keys", 2, kKey);
  EXPECT_EQ(read_query_keys(content.save(), kKey).rows(), 2);
  expect_refused([&] { return read_query_keys(content.save(), kKey + 1); }, {"F32 [2, 2]", "3 components"});
  EXPECT_THROW(static_cast<void>(read_query_keys("absent.safetensors", kKey)), base::MissingInputError);
}

TEST(CodesFile, WhatWasFoundIsWrittenAsItIs) {
  const support::TemporaryText files;
  FoundCodes found;
  found.z = Matrix::Constant(2, 3, 0.5F);
  found.score = {0.25F, -std::numeric_limits<float>::infinity()};
  found.slot = {4, -1};
  found.shard = {1, -1};
  found.id = {std::numeric_limits<std::int64_t>::max(), -1};
  const std::filesystem::path path = files.folder() / "found.safetensors";
  write_found_codes(path, found);
  const model::SafetensorsFile file(path);
  EXPECT_EQ(file.tensors().size(), 5U);
  EXPECT_EQ(file.at("z").shape, (std::vector<std::uint64_t>{2, 3}));
  const auto bytes_of = [](const auto& values) { return std::as_bytes(std::span(values)); };
  EXPECT_TRUE(std::ranges::equal(file.at("score").bytes, bytes_of(found.score)));
  EXPECT_TRUE(std::ranges::equal(file.at("slot").bytes, bytes_of(found.slot)));
  EXPECT_TRUE(std::ranges::equal(file.at("shard").bytes, bytes_of(found.shard)));
  EXPECT_TRUE(std::ranges::equal(file.at("id").bytes, bytes_of(found.id)));
}

}  // namespace
}  // namespace larimar::launch

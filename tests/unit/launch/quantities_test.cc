#include "launch/quantities.h"

#include <gtest/gtest.h>

#include "common/base/error.h"

namespace larimar::launch {
namespace {

TEST(Quantities, CountsHaveSuffixesOfThousands) {
  EXPECT_EQ(parse_count("1", "--tokens"), 1U);
  EXPECT_EQ(parse_count("1000", "--tokens"), 1000U);
  EXPECT_EQ(parse_count("300K", "--tokens"), 300'000U);
  EXPECT_EQ(parse_count("2.5M", "--tokens"), 2'500'000U);
  EXPECT_EQ(parse_count("1B", "--tokens"), 1'000'000'000U);
  EXPECT_EQ(parse_count("0.001T", "--tokens"), 1'000'000'000U);
  EXPECT_EQ(parse_count("1000T", "--tokens"), 1'000'000'000'000'000U);
}

TEST(Quantities, BytesHaveSuffixesOfPowersOf1024) {
  EXPECT_EQ(parse_bytes("512", "--memory-per-rank"), 512U);
  EXPECT_EQ(parse_bytes("2K", "--memory-per-rank"), 2048U);
  EXPECT_EQ(parse_bytes("512M", "--memory-per-rank"), 512U << 20);
  EXPECT_EQ(parse_bytes("4G", "--memory-per-rank"), std::uint64_t{4} << 30);
  EXPECT_EQ(parse_bytes("4GiB", "--memory-per-rank"), std::uint64_t{4} << 30);
  EXPECT_EQ(parse_bytes("1.5T", "--memory-per-rank"), std::uint64_t{3} << 39);
}

template <class Parse>
void expect_refused(const Parse& parse, const char* text, const char* word) {
  try {
    static_cast<void>(parse(text, "--option"));
    FAIL() << "\"" << text << "\" was taken";
  } catch (const base::UsageError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("--option"), std::string::npos) << what;
    EXPECT_NE(what.find(word), std::string::npos) << "\"" << text << "\": " << what;
    EXPECT_NE(what.find("such as"), std::string::npos) << "says what is understood: " << what;
  }
}

TEST(Quantities, WhatIsNoQuantityIsRefusedWithTheReason) {
  for (const char* text : {"", "B", "-1", "+1", " 1", "abc", "nan", "inf", ".5M"}) {
    expect_refused(parse_count, text, "does not begin with a number");
    expect_refused(parse_bytes, text, "does not begin with a number");
  }
  for (const char* text : {"1X", "1b", "1k", "1 B", "1e9", "1BB", "0x10", "1,000"}) {
    expect_refused(parse_count, text, "is unknown");
    expect_refused(parse_bytes, text, "is unknown");
  }
  expect_refused(parse_count, "1G", "is unknown");
  expect_refused(parse_bytes, "1B", "is unknown");
  expect_refused(parse_count, "0", "less than 1");
  expect_refused(parse_count, "0.0001K", "less than 1");
  expect_refused(parse_count, "1.5", "no whole number");
  expect_refused(parse_count, "1001T", "too large");
  expect_refused(parse_count, "99999999999999999999999999B", "too large");
  expect_refused(parse_bytes, "2000000T", "too large");
}

TEST(Quantities, TextsHaveThreeDigitsAndTheUnitThatFits) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(1024.0 * 1024 * 1024 * 4), "4 GiB");
  EXPECT_EQ(seconds_text(2e-5), "20 us");
  EXPECT_EQ(seconds_text(0.5), "500 ms");
  EXPECT_EQ(seconds_text(59), "59 s");
  EXPECT_EQ(seconds_text(7200), "2 h");
  EXPECT_EQ(seconds_text(86400.0 * 10), "10 days");
}

}  // namespace
}  // namespace larimar::launch

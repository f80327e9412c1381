#include "shard/segment_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <unordered_map>

#include "common/base/error.h"

namespace larimar::shard {
namespace {

SegmentInfo segment(std::uint64_t begin) {
  return {.id = base::make_segment_id(2, begin), .document = 2, .byte_begin = begin, .byte_end = begin + 10, .line = 1};
}

TEST(SegmentTable, FindsWhatWasAppendedUnderItsPositionOfArrival) {
  SegmentTable table;
  table.append(std::vector{segment(500), segment(20)});
  table.append(std::vector{segment(300)});
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table.at({1}).byte_begin, 20U);
  EXPECT_EQ(table.find(base::make_segment_id(2, 300)), base::SlotIndex{2});
  EXPECT_EQ(table.find(base::make_segment_id(2, 301)), std::nullopt);
}

TEST(SegmentTable, RefusesARepeatedIdAndABackwardRangeAndStaysAsItWas) {
  SegmentTable table;
  table.append(std::vector{segment(1)});
  EXPECT_THROW(table.append(std::vector{segment(7), segment(1)}), base::FormatError);
  EXPECT_THROW(table.append(std::vector{segment(8), segment(8)}), base::FormatError);
  SegmentInfo backward = segment(9);
  backward.byte_end = 3;
  try {
    table.append(std::vector{backward});
    ADD_FAILURE() << "a backward range was accepted";
  } catch (const base::FormatError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("document 2, bytes 9 to 3"));
  }
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.find(base::make_segment_id(2, 7)), std::nullopt);
}

TEST(SegmentTable, AnErasedIdMayComeAgainInANewSlot) {
  SegmentTable table;
  table.append(std::vector{segment(1), segment(2), segment(3)});
  table.erase(base::make_segment_id(2, 2));
  EXPECT_EQ(table.find(base::make_segment_id(2, 2)), std::nullopt);
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table.live(), 2U);
  table.append(std::vector{segment(2)});
  EXPECT_EQ(table.find(base::make_segment_id(2, 2)), base::SlotIndex{3});
  EXPECT_EQ(table.find(base::make_segment_id(2, 3)), base::SlotIndex{2}) << "the others stay where they are";
  EXPECT_EQ(table.live(), 3U);
}

TEST(SegmentTable, ManyChangesLeaveWhatAPlainMapHolds) {
  SegmentTable table;
  std::unordered_map<std::uint64_t, std::uint32_t> expected;
  std::mt19937_64 random(3);
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t begin = random() % 700 * 1000;
    const base::SegmentId id = base::make_segment_id(2, begin);
    if (expected.contains(id.value)) {
      table.erase(id);
      expected.erase(id.value);
    } else {
      expected.emplace(id.value, static_cast<std::uint32_t>(table.size()));
      table.append(std::vector{segment(begin)});
    }
    if (step == 5000) table.reserve(9000);
  }
  EXPECT_EQ(table.live(), expected.size());
  for (std::uint64_t n = 0; n < 700; ++n) {
    const base::SegmentId id = base::make_segment_id(2, n * 1000);
    const auto found = table.find(id);
    ASSERT_EQ(found.has_value(), expected.contains(id.value)) << n;
    EXPECT_EQ(found.value_or(base::SlotIndex{0}).value, found ? expected.at(id.value) : 0U);
  }
}

TEST(SegmentTable, SegmentsOfADocumentAreThoseThatAreThere) {
  SegmentTable table;
  SegmentInfo other = segment(5);
  other.id = base::make_segment_id(3, 5);
  other.document = 3;
  table.append(std::vector{segment(9), other, segment(4)});
  EXPECT_THAT(table.of_document(2), testing::ElementsAre(base::make_segment_id(2, 4), base::make_segment_id(2, 9)));
  table.erase(base::make_segment_id(2, 4));
  EXPECT_THAT(table.of_document(2), testing::ElementsAre(base::make_segment_id(2, 9)));
  table.append(std::vector{segment(4)});
  EXPECT_THAT(table.of_document(2), testing::ElementsAre(base::make_segment_id(2, 4), base::make_segment_id(2, 9)));
  EXPECT_TRUE(table.of_document(7).empty());
}

}  // namespace
}  // namespace larimar::shard

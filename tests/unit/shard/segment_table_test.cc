#include "shard/segment_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

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

}  // namespace
}  // namespace larimar::shard

#include "common/model/minilm_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace larimar::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Lengths = std::vector<std::size_t>;

TEST(PlanBatches, SortsByLengthAndFillsUpToTheLimit) {
  EXPECT_THAT(plan_batches(Lengths{5, 2, 3, 2, 4}, 7),
              ElementsAre(ElementsAre(1, 3, 2), ElementsAre(4), ElementsAre(0)));
  EXPECT_THAT(plan_batches(Lengths{5, 2, 3, 2, 4}, 100), ElementsAre(ElementsAre(1, 3, 2, 4, 0)));
}

TEST(PlanBatches, ALongSequenceIsABatchAlone) {
  EXPECT_THAT(plan_batches(Lengths{50, 1, 60}, 8), ElementsAre(ElementsAre(1), ElementsAre(0), ElementsAre(2)));
  EXPECT_THAT(plan_batches(Lengths{1, 1}, 0), ElementsAre(ElementsAre(0), ElementsAre(1)));
}

TEST(PlanBatches, NothingGivesNothing) { EXPECT_THAT(plan_batches(Lengths{}, 8), IsEmpty()); }

}  // namespace
}  // namespace larimar::model

// The sum of the gradients of all ranks, on threads and under mpirun.
#include "train/shared_gradient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <optional>

#include "common/base/error.h"
#include "common/base/random.h"
#include "tests/mpi/ranks.h"

namespace larimar::train {
namespace {

using ::testing::HasSubstr;
constexpr std::size_t kLength = 1003;

std::vector<float> gradient_of(std::size_t micro_batch) {
  base::Random random(micro_batch);
  std::vector<float> values(kLength);
  for (float& value : values) value = static_cast<float>(random.uniform() * 1e3 - 500);
  return values;
}

Tally tally_of(std::size_t micro_batch) {
  const auto n = static_cast<std::int64_t>(micro_batch);
  return {0.5 * static_cast<double>(micro_batch), n, 2 * n, 3 * n, 4 * n};
}

std::vector<float> tree_sum(std::size_t micro_batches) {
  TreeSum sum(micro_batches, kLength);
  for (std::size_t i = 0; i < micro_batches; ++i) sum.push({i, i + 1}, gradient_of(i));
  return sum.take();
}

TEST(SharedGradient, TheSumHasTheSameBitsOnAnyNumberOfRanks) {
  test::on_every_rank([](comm::Transport& transport) {
    const auto ranks = static_cast<std::size_t>(transport.size());
    for (const std::size_t micro_batches : {ranks, ranks + 1, 3 * ranks, std::size_t{16}}) {
      SharedGradient shared(transport, micro_batches, kLength);
      for (std::size_t i = shared.mine().first; i < shared.mine().last; ++i) shared.add(gradient_of(i), tally_of(i));
      std::optional<Tally> all;
      std::vector<float> found;
      shared.finish([&](std::span<const float> sum, const Tally& tally) {
        found.assign(sum.begin(), sum.end());
        all = tally;
      });
      ASSERT_EQ(all.has_value(), transport.rank() == 0);
      if (!all) continue;
      const std::vector<float> expected = tree_sum(micro_batches);
      ASSERT_EQ(found.size(), expected.size());
      EXPECT_EQ(std::memcmp(found.data(), expected.data(), kLength * sizeof(float)), 0) << micro_batches;
      const auto total = static_cast<std::int64_t>(micro_batches * (micro_batches - 1) / 2);
      EXPECT_EQ(all->tokens, total);
      EXPECT_EQ(all->exact_segments, 4 * total);
      EXPECT_EQ(all->loss, 0.5 * static_cast<double>(total));
    }
  });
}

TEST(SharedGradient, ALossOfOneRankThatIsNotFiniteEndsAllOfThem) {
  test::on_every_rank([](comm::Transport& transport) {
    const int guilty = transport.size() - 1;
    SharedGradient shared(transport, static_cast<std::size_t>(transport.size()), kLength);
    Tally tally = tally_of(shared.mine().first);
    if (transport.rank() == guilty) tally.loss = std::numeric_limits<double>::quiet_NaN();
    shared.add(gradient_of(0), tally);
    bool updated = false;
    try {
      shared.finish([&](std::span<const float>, const Tally&) { updated = true; });
      ADD_FAILURE() << "rank " << transport.rank() << " went on";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::ExitCode::kInternal);
      EXPECT_THAT(error.what(), HasSubstr("learnt by rank " + std::to_string(guilty) + ", is not finite"));
    }
    EXPECT_FALSE(updated);
    EXPECT_EQ(transport.all_gather_one(transport.rank()).back(), guilty) << "the ranks are out of step";
  });
}

TEST(SharedGradient, AnUpdateThatFailsEndsAllOfThem) {
  test::on_every_rank([](comm::Transport& transport) {
    SharedGradient shared(transport, static_cast<std::size_t>(transport.size()), kLength);
    EXPECT_THROW(shared.finish({}), base::ShapeError) << "nothing was added";
    shared.add(gradient_of(0), {});
    EXPECT_THROW(shared.finish([](std::span<const float>, const Tally&) { throw base::IoError("the disk is full"); }),
                 base::Error);
  });
}

TEST(SharedGradient, RanksWithoutAMicroBatchAreRefused) {
  EXPECT_NO_THROW(check_micro_batches(4, 3));
  try {
    check_micro_batches(2, 3);
    FAIL() << "not refused";
  } catch (const base::ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("3 ranks cannot share 2 micro-batches"));
    EXPECT_THAT(error.what(), HasSubstr("--micro-batches 3"));
  }
}

}  // namespace
}  // namespace larimar::train

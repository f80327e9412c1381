// Ranks that do not take part in the same read. In one process only: the other ranks learn of the end by the group's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/exchange.h"
#include "tests/mpi/memory_world.h"
#include "tests/support/in_process.h"

namespace larimar::test {
namespace {

wire::ReadPlan plan_of_rank(int rank, const std::function<void(wire::ReadPlan&)>& change) {
  wire::ReadPlan plan{.queries = 2,
                      .k = 1,
                      .asked = 2,
                      .key_size = static_cast<std::size_t>(kKeySize),
                      .code_size = static_cast<std::size_t>(kCodeSize),
                      .step = 5};
  if (rank == 2) change(plan);
  return plan;
}

std::string refusal(const std::function<void(wire::ReadPlan&)>& change) {
  const std::string context = support::random_prose(40'000, 3);
  try {
    support::run_in_process(
        4,
        [&](comm::Transport& transport) {
          MemoryRank rank(transport.rank(), wire::plan_roles(transport.size(), 1), context, shard::KeyMode::kSegment);
          const linalg::Matrix keys = linalg::Matrix::Constant(2, kKeySize, 0.1F);
          static_cast<void>(
              launch::exchange_read(transport, rank.plan, rank.roles, plan_of_rank(transport.rank(), change), keys));
        },
        5.0);
  } catch (const base::CommError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(OutOfStep, NothingChangedIsAccepted) {
  EXPECT_EQ(refusal([](wire::ReadPlan&) {}), "accepted");
}

TEST(OutOfStep, AnotherStepIsRefusedByName) {
  EXPECT_THAT(refusal([](wire::ReadPlan& plan) { plan.step = 6; }), testing::HasSubstr("shard 1 has step 6 where 5"));
}

TEST(OutOfStep, AnotherNumberOfProposalsIsRefused) {
  EXPECT_NE(refusal([](wire::ReadPlan& plan) { plan.asked = 3; }), "accepted");
}

}  // namespace
}  // namespace larimar::test

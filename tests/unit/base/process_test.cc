#include "common/base/process.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

namespace larimar::base {
namespace {

TEST(Process, PeakMemoryGrowsWithWhatIsTouchedAndNeverFalls) {
  const std::uint64_t before = peak_memory_bytes();
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  {
    const std::vector<std::byte> block(kBytes, std::byte{1});
    EXPECT_EQ(block.back(), std::byte{1});
  }
  const std::uint64_t after = peak_memory_bytes();
  EXPECT_GT(before, 100U << 10);
  EXPECT_GE(after, before);
  EXPECT_GE(after, kBytes);
  EXPECT_LT(after, std::uint64_t{64} << 30);
}

TEST(Process, TheCommandBeginsWithTheProgramsName) {
  EXPECT_THAT(process_command(), testing::StartsWith("test_unit_base_process"));
}

TEST(Process, TheNumberIsThisProcess) { EXPECT_EQ(process_id(), ::getpid()); }

}  // namespace
}  // namespace larimar::base

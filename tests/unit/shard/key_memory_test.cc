#include "shard/key_memory.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

namespace larimar::shard {
namespace {

constexpr std::size_t kBytes = std::size_t{64} << 20;

/// Writes all of it and reads it back.
bool holds_what_is_written(const KeyMemory& memory, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 4096) memory.data()[i] = static_cast<std::byte>(i / 4096 % 251);
  for (std::size_t i = 0; i < bytes; i += 4096)
    if (memory.data()[i] != static_cast<std::byte>(i / 4096 % 251)) return false;
  return true;
}

/// Bytes in huge pages of the mapping that holds `place`, by /proc/self/smaps.
std::size_t huge_bytes_at(const std::byte* place) {
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  std::ifstream file("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    char* end = nullptr;
    const std::uintptr_t first = std::strtoull(line.c_str(), &end, 16);
    if (*end == '-') here = first <= address && address < std::strtoull(end + 1, nullptr, 16);
    if (here && line.starts_with("AnonHugePages:")) return std::strtoull(line.c_str() + 14, nullptr, 10) << 10;
  }
  return 0;
}

TEST(KeyMemory, IsZeroedOnPageBoundariesAndHoldsWhatIsWritten) {
  const KeyMemory memory(kBytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 4096, 0U);
  EXPECT_EQ(std::count(memory.data(), memory.data() + kBytes, std::byte{0}), static_cast<std::ptrdiff_t>(kBytes));
  EXPECT_TRUE(holds_what_is_written(memory, kBytes));
}

TEST(KeyMemory, NeedsNoHugePages) {
  ASSERT_EQ(::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  const KeyMemory memory(kBytes);
  EXPECT_TRUE(holds_what_is_written(memory, kBytes));
  EXPECT_EQ(huge_bytes_at(memory.data()), 0U);
  EXPECT_EQ(::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
}

/// The system refuses private memory and still maps files, as where keys are larger than what is left.
void use_more_than_memory() {
  const rlimit little{.rlim_cur = std::size_t{16} << 20, .rlim_max = std::size_t{16} << 20};
  if (::setrlimit(RLIMIT_DATA, &little) != 0) std::exit(3);
  const KeyMemory first(kBytes), second(kBytes);
  std::exit(holds_what_is_written(first, kBytes) && holds_what_is_written(second, kBytes) ? 0 : 1);
}

TEST(KeyMemory, GoesToAFileWhereMemoryHasNoRoomAndSaysSo) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer itself ends where the system refuses memory";
#endif
  EXPECT_EXIT(use_more_than_memory(), testing::ExitedWithCode(0), "do not fit into memory.*mapped from files in");
}

}  // namespace
}  // namespace larimar::shard

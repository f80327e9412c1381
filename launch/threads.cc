#include "launch/threads.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace larimar::launch {

int usual_threads() {
  constexpr int kMostThreads = 1024;  // as --threads
  const char* text = std::getenv("SLURM_CPUS_PER_TASK");
  if (text == nullptr) return 1;
  int threads = 1;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, threads);
  return error == std::errc{} && stop == end && threads >= 1 && threads <= kMostThreads ? threads : 1;
}

}  // namespace larimar::launch

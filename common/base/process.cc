#include "common/base/process.h"

#include <sys/resource.h>
#include <unistd.h>

namespace larimar::base {

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;  // Linux counts in KiB
}

std::int64_t process_id() { return ::getpid(); }

}  // namespace larimar::base

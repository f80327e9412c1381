#include "common/comm/host_name.h"

#include <unistd.h>

#include <array>

namespace larimar::comm {

std::string host_name() {
  std::array<char, 256> name{};
  // The last byte stays zero: POSIX does not promise a terminator when the name is cut.
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("unknown host");
}

}  // namespace larimar::comm

#pragma once
#include <string>

namespace larimar::comm {

/// This machine's name as messages show it; "unknown host" if the system does not tell. Calls: local.
[[nodiscard]] std::string host_name();

}  // namespace larimar::comm

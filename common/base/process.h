#pragma once
#include <cstdint>

namespace larimar::base {

/// The most memory that this process ever held at once (resident, bytes); 0 if the system does not tell. Calls: local.
[[nodiscard]] std::uint64_t peak_memory_bytes();

/// This process's number on its host. Calls: local.
[[nodiscard]] std::int64_t process_id();

}  // namespace larimar::base

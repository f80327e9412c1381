#pragma once
#include <cstdint>
#include <string>

namespace larimar::base {

/// The most memory that this process ever held at once (resident, bytes); 0 if the system does not tell. Calls: local.
[[nodiscard]] std::uint64_t peak_memory_bytes();

/// "larimar ingest": the program's name and its first argument; the name alone if there is none. Calls: local.
[[nodiscard]] std::string process_command();

/// This process's number on its host. Calls: local.
[[nodiscard]] std::int64_t process_id();

}  // namespace larimar::base

#pragma once
// The job specification as rank 0 broadcasts it (proto/job.proto). Protobuf stays in the .cc.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace larimar::wire {

struct JobMessage {
  std::vector<std::filesystem::path> context;
  std::string key_mode;
  std::uint64_t queries = 0;
  bool stop = false;  // no further job: the ranks may leave
};

[[nodiscard]] std::string to_bytes(const JobMessage& message);
/// Throws CommError if the bytes are no such message.
[[nodiscard]] JobMessage job_from_bytes(const std::string& bytes);

}  // namespace larimar::wire

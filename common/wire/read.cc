#include "common/wire/read.h"

#include <string>

#include "common/base/error.h"

namespace larimar::wire {
namespace {

void check_field(const char* field, std::uint64_t received, std::uint64_t expected, base::ShardId shard) {
  if (received == expected) return;
  throw base::CommError("a message of a read from shard " + std::to_string(shard.value) + " has " + field + " " +
                        std::to_string(received) + " where " + std::to_string(expected) +
                        " was expected; are all ranks of the job the same build with the same configuration?");
}

}  // namespace

void check_header(const ReadHeader& received, const ReadHeader& expected) {
  const base::ShardId shard = received.shard;
  check_field("magic number", received.magic, expected.magic, shard);
  check_field("version", received.version, expected.version, shard);
  check_field("kind", static_cast<std::uint64_t>(received.kind), static_cast<std::uint64_t>(expected.kind), shard);
  check_field("step", received.step, expected.step, shard);
  check_field("row count", received.rows, expected.rows, shard);
  check_field("column count", received.columns, expected.columns, shard);
  if (received.status > ReadStatus::kFailed) {
    check_field("status", static_cast<std::uint64_t>(received.status), static_cast<std::uint64_t>(ReadStatus::kFailed),
                shard);
  }
}

}  // namespace larimar::wire

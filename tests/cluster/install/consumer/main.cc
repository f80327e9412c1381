// Writes codes into the memories of two shards, reads one back by its key, over the transport that a job would use.
#include <iostream>
#include <vector>

#include "common/comm/mpi_environment.h"
#include "common/comm/same.h"
#include "coordinator/codebook.h"
#include "shard/shard_memory.h"

namespace {

using namespace larimar;

constexpr linalg::Index kCode = 4, kKey = 3;

shard::ShardMemory memory_of(int number) {
  shard::ShardMemory memory({.rules = {}, .code_size = kCode, .key_size = kKey});
  linalg::Matrix codes(2, kCode), keys(2, kKey);
  codes << 1, 2, 3, 4, 5, 6, 7, 8;
  codes.array() += 10.F * static_cast<float>(number);
  keys << 1, 0, 0, 0, 1, 0;
  std::vector<shard::SegmentInfo> segments(2);
  for (std::size_t i = 0; i < 2; ++i) segments[i].id = base::SegmentId{2 * static_cast<std::uint64_t>(number) + i};
  const std::vector<std::uint32_t> owner{0, 1};
  memory.append({segments, codes, keys, owner});
  memory.solve();
  return memory;
}

}  // namespace

int main() {
  const comm::Environment environment;
  const auto transport = environment.make_transport();
  comm::require_same(*transport, {{"the example", "1", "start one program"}});
  const shard::ShardMemory memory = memory_of(transport->rank());
  const auto sizes = transport->all_gather_one(static_cast<int>(memory.size()));
  if (transport->rank() != 0) return 0;
  int all = 0;
  for (const int size : sizes) all += size;
  std::cout << "consumer: " << all << " segments on " << transport->size() << " ranks\n";
  return all == 2 * transport->size() ? 0 : 1;
}

#include "common/base/failpoint.h"
#include "common/comm/agree.h"
#include "common/memory/rules_text.h"
#include "launch/codes_ingest.h"
#include "launch/ingest_plan.h"
#include "launch/memory_folder.h"
#include "launch/write.h"

namespace larimar::launch {

void finish_ingest(comm::Transport& transport, MemoryFolder& memory, const shard::LogWriters* logs,
                   const shard::ShardPlace& place, const KeyMemorySource& source) {
  const comm::PhaseScope phase(transport, "finish the memory");
  store::Manifest next = complete(memory.manifest());
  LARIMAR_FAILPOINT("launch.ingest.encoded");
  gather_log_states(transport, logs, next);
  LARIMAR_FAILPOINT("launch.states.gathered");
  memory::MemoryRules rules = comm::together(transport, [&] { return memory::rules_from_text(next.rules); });
  if (rules.key_memory == memory::KeyMemory::kCodebook && !next.m0) {
    // From the logs, so that a resumed ingest samples the same keys.
    const auto stored = comm::together(transport, [&]() -> std::unique_ptr<shard::StoredSegments> {
      if (logs == nullptr) return nullptr;
      return std::make_unique<shard::StoredSegments>(memory.folder(), logs->states());
    });
    KeySource keys;
    if (stored) keys = {stored->key_rows(), [&](std::uint64_t stride) { return stored->sample_keys(stride); }};
    std::uint64_t key_rows = 0;
    for (const std::uint64_t count : transport.all_gather_one(keys.rows)) key_rows += count;
    comm::together(transport, [&] {
      if (source.m0.empty() && key_rows < rules.slots)
        throw base::ConfigError("a codebook of " + std::to_string(rules.slots) + " rows cannot be made from " +
                                std::to_string(key_rows) + " keys; remove the folder " +
                                memory.folder().directory().path().string() + ", which stays unfinished, and ask for " +
                                "fewer slots or give more text");
    });
    const linalg::Matrix rows =
        source.m0.empty()
            ? learn_key_memory(transport, keys, rules.slots, static_cast<std::size_t>(place.key_size), source.seed)
            : comm::together(transport,
                             [&] { return read_key_memory(source.m0, static_cast<std::size_t>(place.key_size)); });
    comm::together(transport, [&] {
      LARIMAR_FAILPOINT("launch.key_memory.write");
      if (transport.rank() == 0) next.m0 = write_key_memory(memory.folder().directory().path(), rows);
    });
  }
  memory.commit(transport, next);
}

}  // namespace larimar::launch

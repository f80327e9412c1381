#include "launch/open_memory.h"

#include <algorithm>

#include "common/memory/rules_text.h"

namespace larimar::launch {

OpenMemory::OpenMemory(comm::Transport& transport, const wire::RolePlan& roles, const std::filesystem::path& path,
                       const JobSetup& setup)
    : folder(MemoryFolder::open_reading(transport, path)) {
  const int number = roles.shard_of(transport.rank());
  const store::Manifest& manifest = folder.manifest();
  const shard::ShardPlace place{base::ShardId{static_cast<std::uint32_t>(std::max(number, 0))},
                                roles.shard_map(),
                                static_cast<linalg::Index>(manifest.code_size),
                                static_cast<linalg::Index>(manifest.key_size),
                                setup.key_store,
                                setup.key_folder};
  if (number >= 0) shard.emplace(place);
  const auto addresser = load_together(transport, roles, folder, shard ? &*shard : nullptr, place);
  rules = memory::rules_from_text(manifest.rules);
  if (transport.rank() == 0) coordinator.emplace(roles.shards(), rules, addresser);
}

}  // namespace larimar::launch

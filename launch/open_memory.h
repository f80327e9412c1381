#pragma once
#include <filesystem>
#include <optional>

#include "common/comm/transport.h"
#include "common/wire/plan.h"
#include "coordinator/coordinator_service.h"
#include "launch/memory_folder.h"
#include "launch/setup.h"
#include "shard/shard_service.h"

namespace larimar::launch {

/// A memory folder loaded on the ranks that store, ready to be read. Owns the folder's handles and the services.
struct OpenMemory {
  /// Of `setup` the key store counts. Calls collective. Throws AgreedError.
  OpenMemory(comm::Transport& transport, const wire::RolePlan& roles, const std::filesystem::path& path,
             const JobSetup& setup);

  MemoryFolder folder;
  memory::MemoryRules rules;
  std::optional<shard::ShardService> shard;                    // on ranks that store
  std::optional<coordinator::CoordinatorService> coordinator;  // on rank 0
};

}  // namespace larimar::launch

#include "launch/memory_folder.h"

#include <cstring>
#include <utility>

#include "common/base/failpoint.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/comm/agree.h"
#include "common/memory/rules_text.h"
#include "common/model/safetensors.h"
#include "launch/write.h"

namespace larimar::launch {
namespace {

store::FileSystem& files() { return store::real_file_system(); }

template <class Open>
std::unique_ptr<store::Folder> on_root(comm::Transport& transport, const Open& open) {
  return comm::together(transport, [&]() -> std::unique_ptr<store::Folder> {
    if (transport.rank() != 0) return nullptr;
    auto folder = std::make_unique<store::Folder>(open());
    for (const std::string& note : folder->notes()) base::log(base::LogLevel::kWarning, note);
    return folder;
  });
}

}  // namespace

void MemoryFolder::share(comm::Transport& transport) {
  LARIMAR_FAILPOINT("launch.manifest.share");
  std::string bytes = transport.rank() == 0 ? store::to_bytes(folder_->manifest()) : std::string();
  transport.broadcast_string(bytes, 0, store::kMaxManifestBytes);
  comm::together(transport, [&] {
    manifest_ = store::manifest_from_bytes(std::as_bytes(std::span(bytes.data(), bytes.size())), "the manifest");
  });
}

MemoryFolder MemoryFolder::open_reading(comm::Transport& transport, const std::filesystem::path& path) {
  MemoryFolder memory;
  memory.folder_ = on_root(transport, [&] { return store::Folder::open_reading(files(), path); });
  memory.share(transport);
  comm::together(transport, [&] {
    if (transport.rank() != 0)
      memory.folder_ = std::make_unique<store::Folder>(store::Folder::open_joined(files(), path));
  });
  return memory;
}

MemoryFolder MemoryFolder::open_writing(comm::Transport& transport, const std::filesystem::path& path, Wanted wanted) {
  MemoryFolder memory;
  memory.folder_ = on_root(transport, [&] {
    const auto state = store::Folder::open_joined(files(), path).manifest().state;
    if (wanted == Wanted::kComplete && state != store::MemoryState::kComplete) {
      // The lock first: if the ingest is at work just now, its holder is what the user has to know.
      static_cast<void>(store::Folder::open_writing(files(), path, store::this_process(base::process_command()),
                                                    store::Recover::kKeepValidTail));
      throw base::ConfigError(path.string() +
                              " holds an unfinished ingest; finish it by the same larimar ingest or append again");
    }
    const bool keep = state == store::MemoryState::kIngesting;
    store::Folder folder =
        store::Folder::open_writing(files(), path, store::this_process(base::process_command()),
                                    keep ? store::Recover::kKeepValidTail : store::Recover::kRollBack);
    if (folder.manifest().state != state)
      throw base::ConfigError(path.string() + " was changed by another job just now; try again");
    return folder;
  });
  memory.share(transport);
  comm::together(transport, [&] {
    if (transport.rank() != 0)
      memory.folder_ = std::make_unique<store::Folder>(store::Folder::open_joined(files(), path));
  });
  return memory;
}

MemoryFolder MemoryFolder::create(comm::Transport& transport, const std::filesystem::path& path,
                                  const store::Manifest& first) {
  MemoryFolder memory;
  memory.folder_ = on_root(transport, [&] {
    return store::Folder::create(files(), path, first, store::this_process(base::process_command()));
  });
  memory.share(transport);
  comm::together(transport, [&] {
    if (transport.rank() != 0)
      memory.folder_ = std::make_unique<store::Folder>(store::Folder::open_joined(files(), path));
  });
  return memory;
}

bool MemoryFolder::is_there(comm::Transport& transport, const std::filesystem::path& path) {
  std::uint64_t there = comm::together(transport, [&]() -> std::uint64_t {
    return transport.rank() == 0 && store::Folder::is_memory(files(), path) ? 1 : 0;
  });
  transport.broadcast(std::span(&there, 1), 0);
  return there != 0;
}

void MemoryFolder::commit(comm::Transport& transport, const store::Manifest& next) {
  comm::together(transport, [&] {
    if (transport.rank() == 0) folder_->commit(next);
  });
  share(transport);
}

void gather_log_states(comm::Transport& transport, const shard::LogWriters* mine, store::Manifest& next) {
  const std::vector<store::LogState> states = mine != nullptr ? mine->states() : std::vector<store::LogState>{};
  std::vector<std::size_t> counts;
  for (const std::uint64_t count : transport.all_gather_one(static_cast<std::uint64_t>(states.size())))
    counts.push_back(static_cast<std::size_t>(count));
  for (const store::LogState& state : transport.gather_varying(std::span<const store::LogState>(states), counts, 0))
    next.set_log(state);
}

shard::StoredSegments read_segments(const MemoryFolder& memory, const shard::ShardPlace& place) {
  return {memory.folder(), shard::logs_of_shard(memory.manifest(), place.shard, place.shards)};
}

std::shared_ptr<const memory::Addresser> load_together(comm::Transport& transport, const wire::RolePlan& roles,
                                                       const MemoryFolder& memory, shard::ShardService* shard,
                                                       const shard::ShardPlace& place) {
  const comm::PhaseScope phase(transport, "open the memory");
  const store::Manifest& manifest = memory.manifest();
  memory::MemoryRules rules = comm::together(transport, [&] { return memory::rules_from_text(manifest.rules); });
  const std::filesystem::path m0 = memory.folder().directory().path() / store::kKeyMemoryName;
  comm::together(transport, [&] {
    if (transport.rank() != 0 || rules.key_memory == memory::KeyMemory::kStored) return;
    if (!manifest.m0 || hash_of_file(m0) != *manifest.m0)
      throw base::FormatError(m0.string() + " is not the key memory that this memory was written with");
  });
  const auto addresser =
      share_key_memory(transport, {m0, manifest.seed}, shard, manifest.key_size, manifest.code_size, rules);
  comm::together(transport, [&] {
    if (shard != nullptr) shard->load(read_segments(memory, place), rules, addresser);
  });
  solve_together(transport, roles, shard, rules, manifest.code_size);
  return addresser;
}

store::Hash128 write_key_memory(const std::filesystem::path& folder, const linalg::Matrix& rows) {
  const std::span<const float> floats(rows.data(), static_cast<std::size_t>(rows.size()));
  const std::filesystem::path path = folder / store::kKeyMemoryName;
  model::write_safetensors(path,
                           {{"m0",
                             {"F32",
                              {static_cast<std::uint64_t>(rows.rows()), static_cast<std::uint64_t>(rows.cols())},
                              std::as_bytes(floats)}}},
                           {});
  return hash_of_file(path);
}

store::Hash128 hash_of_file(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  return store::hash128(file.bytes());
}

}  // namespace larimar::launch

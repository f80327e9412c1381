// larimar forget and update: segments leave a memory folder, or other codes take their place.
#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include "common/comm/agree.h"
#include "common/memory/rules_text.h"
#include "common/model/runtime.h"
#include "launch/codes_file.h"
#include "launch/codes_ingest.h"
#include "launch/commands.h"
#include "launch/memory_folder.h"
#include "launch/model_ids.h"
#include "launch/networks.h"

namespace larimar::launch {
namespace {

using Ids = std::vector<base::SegmentId>;

shard::ShardPlace place_of(const wire::RolePlan& roles, int rank, const store::Manifest& manifest) {
  const int number = roles.shard_of(rank);
  return {base::ShardId{static_cast<std::uint32_t>(std::max(number, 0))}, roles.shards(),
          static_cast<linalg::Index>(manifest.code_size), static_cast<linalg::Index>(manifest.key_size)};
}

/// Of the ids that are wanted, those that no shard has. Collective; the same on every rank.
std::vector<std::uint64_t> unknown_ids(comm::Transport& transport, const shard::StoredSegments* stored,
                                       const std::vector<std::uint64_t>& wanted) {
  std::vector<std::uint8_t> mine(wanted.size());
  for (std::size_t i = 0; stored != nullptr && i < wanted.size(); ++i)
    mine[i] = stored->log_of(base::SegmentId{wanted[i]}) ? 1 : 0;
  std::vector<std::uint8_t> all(mine.size() * static_cast<std::size_t>(transport.size()));
  transport.all_gather(std::span<const std::uint8_t>(mine), std::span(all));
  std::vector<std::uint64_t> unknown;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    bool found = false;
    for (std::size_t at = i; at < all.size(); at += wanted.size()) found = found || all[at] != 0;
    if (!found) unknown.push_back(wanted[i]);
  }
  return unknown;
}

/// Throws the error of ids that are not there: exit code 3, all of them named (the first hundred of many).
[[noreturn]] void refuse_unknown(const std::vector<std::uint64_t>& unknown) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(unknown.size(), 100); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(unknown[i]);
  if (unknown.size() > 100) text += " and " + std::to_string(unknown.size() - 100) + " more";
  throw base::Error(base::ExitCode::kDegraded, "no such segments in this memory: " + text + "; nothing was forgotten");
}

/// Documents of the manifest by the paths that were given. Throws as refuse_unknown.
std::set<std::uint32_t> find_documents(const store::Manifest& manifest,
                                       const std::vector<std::filesystem::path>& paths) {
  std::set<std::uint32_t> found;
  for (const std::filesystem::path& path : paths) {
    const std::string wanted = std::filesystem::absolute(path).lexically_normal().string();
    bool any = false;
    for (std::uint32_t i = 0; i < manifest.documents.size(); ++i) {
      const store::DocumentEntry& entry = manifest.documents[i];
      if (entry.removed || entry.path != wanted) continue;
      found.insert(i);
      any = true;
    }
    if (!any)
      throw base::Error(base::ExitCode::kDegraded, "no document " + wanted + " in this memory; nothing was forgotten");
  }
  return found;
}

/// Read keys of a query match: from the file, or from texts by the memory's own key network. Rank 0; empty elsewhere.
linalg::Matrix match_keys(const ForgetCommand& command, const store::Manifest& manifest) {
  if (!command.keys.empty()) return read_query_keys(command.keys, manifest.key_size);
  if (command.query.empty()) return linalg::Matrix(0, static_cast<linalg::Index>(manifest.key_size));
  if (manifest.keys == kOwnCodes)
    throw base::ConfigError(
        "this memory's keys were made elsewhere, so no text can be compared with them; give --keys");
  JobSetup setup = setup_of(manifest, command.setup);
  setup.keys = keys_named(manifest.keys);
  setup.arithmetic = arithmetic_of(manifest.model);
  setup = resolve(setup);
  if (keys_id(setup) != manifest.keys)
    throw base::ConfigError("this memory was written with keys \"" + manifest.keys + "\" but those at hand are \"" +
                            keys_id(setup) + "\"; name the right one with --keys-folder or --key-table");
  model::set_threads(setup.threads);
  return load_networks(setup, {false, true, false}).keys->encode(command.query);
}

/// Ids of this shard whose keys are near to one of these. Loads the shard's keys.
Ids near_ids(const shard::StoredSegments& stored, const MemoryFolder& memory, const linalg::Matrix& keys,
             double threshold) {
  // Stored keys whatever the memory's own rules: only the keys are looked at.
  shard::ShardMemory loaded({.code_size = static_cast<linalg::Index>(memory.manifest().code_size),
                             .key_size = static_cast<linalg::Index>(memory.manifest().key_size)});
  stored.load(loaded);
  std::set<base::SegmentId> near;
  for (linalg::Index row = 0; row < keys.rows(); ++row) {
    const Ids found = loaded.matches(keys.row(row), static_cast<float>(threshold));
    near.insert(found.begin(), found.end());
  }
  return {near.begin(), near.end()};
}

/// The ids of this shard by the logs where they lie, rising.
using IdsOfLogs = std::map<std::uint32_t, std::vector<std::uint64_t>>;
IdsOfLogs by_log(const shard::StoredSegments& stored, const std::set<base::SegmentId>& ids) {
  IdsOfLogs logs;
  for (const base::SegmentId id : ids) {
    if (const auto log = stored.log_of(id)) logs[*log].push_back(id.value);
  }
  return logs;
}

std::uint64_t append_forgets(const IdsOfLogs& ids, shard::LogWriters& logs) {
  std::uint64_t count = 0;
  for (const auto& [log, segments] : ids) {
    logs.forget(log, segments);
    count += segments.size();
  }
  return count;
}

linalg::Matrix share_keys(comm::Transport& transport, linalg::Matrix keys, std::size_t width) {
  std::uint64_t rows = static_cast<std::uint64_t>(keys.rows());
  transport.broadcast(std::span(&rows, 1), 0);
  keys.resize(static_cast<linalg::Index>(rows), static_cast<linalg::Index>(width));
  transport.broadcast(std::span(keys.data(), static_cast<std::size_t>(keys.size())), 0);
  return keys;
}

}  // namespace

int forget_command(comm::Transport& transport, const ForgetCommand& command) {
  transport.set_patience(command.setup.patience);
  const wire::RolePlan roles = plan_storage(transport.size());
  const bool stores = roles.shard_of(transport.rank()) >= 0;
  comm::together(transport, [&] {
    if (command.ids.empty() && command.documents.empty() && command.query.empty() && command.keys.empty())
      throw base::UsageError("nothing to forget: give --id N, --document PATH, --query TEXT or --keys FILE");
  });
  MemoryFolder memory = MemoryFolder::open_writing(transport, command.memory, MemoryFolder::Wanted::kComplete);
  const store::Manifest& manifest = memory.manifest();
  const shard::ShardPlace place = place_of(roles, transport.rank(), manifest);
  std::set<std::uint32_t> documents;
  linalg::Matrix keys;
  std::unique_ptr<shard::StoredSegments> stored;
  comm::together(transport, [&] {
    documents = find_documents(manifest, command.documents);
    if (transport.rank() == 0) keys = match_keys(command, manifest);
    if (stores) stored = std::make_unique<shard::StoredSegments>(read_segments(memory, place));
  });
  const auto unknown = unknown_ids(transport, stored.get(), command.ids);
  comm::together(transport, [&] {
    if (!unknown.empty()) refuse_unknown(unknown);
  });
  keys = share_keys(transport, std::move(keys), manifest.key_size);

  std::optional<shard::LogWriters> logs;
  const std::uint64_t mine = comm::together(transport, [&]() -> std::uint64_t {
    if (!stores) return 0;
    std::set<base::SegmentId> ids;
    for (const std::uint64_t id : command.ids) ids.insert(base::SegmentId{id});
    for (const base::SegmentId id : stored->ids_of_documents(documents)) ids.insert(id);
    if (keys.rows() > 0) {
      const Ids near = near_ids(*stored, memory, keys, command.threshold);
      ids.insert(near.begin(), near.end());
    }
    logs.emplace(memory.folder(), place.shard, place.shards);
    const std::uint64_t count = append_forgets(by_log(*stored, ids), *logs);
    logs->sync();
    return count;
  });
  std::uint64_t forgotten = 0;
  for (const std::uint64_t count : transport.all_gather_one(mine)) forgotten += count;
  if (forgotten > 0 || !documents.empty()) {
    store::Manifest next = manifest;
    for (const std::uint32_t document : documents) next.documents[document].removed = true;
    gather_log_states(transport, logs ? &*logs : nullptr, next);
    memory.commit(transport, next);
  }
  if (transport.rank() == 0)
    std::cout << command.memory.string() << ": " << forgotten << " segments forgotten" << std::endl;
  return 0;
}

int update_command(comm::Transport& transport, const UpdateCommand& command) {
  transport.set_patience(command.setup.patience);
  const wire::RolePlan roles = plan_storage(transport.size());
  const bool stores = roles.shard_of(transport.rank()) >= 0;
  MemoryFolder memory = MemoryFolder::open_writing(transport, command.memory, MemoryFolder::Wanted::kComplete);
  const store::Manifest& manifest = memory.manifest();
  const shard::ShardPlace place = place_of(roles, transport.rank(), manifest);
  std::optional<CodesFile> file;
  std::unique_ptr<shard::StoredSegments> stored;
  comm::together(transport, [&] {
    file.emplace(command.codes);
    check_fits(*file, manifest);
    if (stores) stored = std::make_unique<shard::StoredSegments>(read_segments(memory, place));
  });
  const auto unknown = unknown_ids(transport, stored.get(), file->ids());
  comm::together(transport, [&] {
    if (!unknown.empty()) refuse_unknown(unknown);
    check_own_rows(*file, roles, transport.rank());
  });
  if (!manifest.documents.empty() && manifest.documents.back().content == describe_codes(*file).content) {
    if (transport.rank() == 0)
      std::cout << "nothing new: " << command.codes.string() << " was the last to be written\n";
    return 0;
  }
  // One commit: the old codes leave their logs, the new ones come as a document of their own.
  const auto document = static_cast<std::uint32_t>(manifest.documents.size());
  store::Manifest next = complete(begin_documents(manifest, {describe_codes(*file)}));
  std::optional<shard::LogWriters> logs;
  comm::together(transport, [&] {
    if (!stores) return;
    std::set<base::SegmentId> ids;
    for (const std::uint64_t id : file->ids()) ids.insert(base::SegmentId{id});
    logs.emplace(memory.folder(), place.shard, place.shards);
    static_cast<void>(append_forgets(by_log(*stored, ids), *logs));
    append_codes(*file, next.documents[document].first_block, document, place, *logs);
    logs->sync();
  });
  gather_log_states(transport, logs ? &*logs : nullptr, next);
  memory.commit(transport, next);
  if (transport.rank() == 0)
    std::cout << command.memory.string() << ": " << file->size() << " segments updated" << std::endl;
  return 0;
}

}  // namespace larimar::launch

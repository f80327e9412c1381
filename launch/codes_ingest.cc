#include "launch/codes_ingest.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/comm/agree.h"
#include "launch/codes_file.h"
#include "launch/model_ids.h"
#include "launch/write.h"

namespace larimar::launch {
namespace {

struct Rows {
  std::size_t first = 0, count = 0;
};

/// The rows of a file by blocks of the memory; `first_block` is the number of the first.
class CodeBlocks {
 public:
  CodeBlocks(const CodesFile& file, std::uint64_t first_block) : file_(file), first_block_(first_block) {}
  [[nodiscard]] std::uint64_t count() const { return (file_.size() + kRowsPerBlock - 1) / kRowsPerBlock; }
  [[nodiscard]] Rows rows(std::uint64_t i) const {
    const std::size_t first = static_cast<std::size_t>(i) * kRowsPerBlock;
    return {first, std::min(kRowsPerBlock, file_.size() - first)};
  }
  [[nodiscard]] bool is_of(std::uint64_t i, const shard::ShardPlace& place) const {
    return place.shards.owner(first_block_ + i) == place.shard.value;
  }

  /// Rows stand in for bytes: a row is where a code comes from.
  void append(std::uint64_t i, std::uint32_t document, shard::LogWriters& logs) const {
    const Rows part = rows(i);
    const linalg::Matrix codes = file_.codes(part.first, part.count), keys = file_.keys(part.first, part.count);
    std::vector<store::SegmentEntry> entries;
    std::vector<std::uint32_t> owner;
    for (std::size_t row = part.first; row < part.first + part.count; ++row) {
      owner.push_back(static_cast<std::uint32_t>(entries.size()));
      entries.push_back({file_.ids()[row], row, row + 1, row + 1});
    }
    logs.append({.block = first_block_ + i,
                 .document = document,
                 .begin = part.first,
                 .end = part.first + part.count,
                 .line = part.first + 1,
                 .segments = entries,
                 .codes = {codes.data(), static_cast<std::size_t>(codes.size())},
                 .keys = {keys.data(), static_cast<std::size_t>(keys.size())},
                 .key_owner = owner});
  }

 private:
  const CodesFile& file_;
  std::uint64_t first_block_;
};

store::Manifest empty_codes_manifest(const IngestCommand& command, const CodesFile& file) {
  JobSetup setup = command.setup;
  setup.key_mode = "segment";
  resolve_rules(setup);
  settle_slots(setup, file.key_size());
  memory::check(setup.memory, file.key_size(), file.code_size());
  // Known before the first byte is written, unlike with text.
  const bool learnt = setup.memory.key_memory == memory::KeyMemory::kCodebook && setup.m0.empty();
  if (learnt && setup.memory.slots > file.size())
    throw base::ConfigError("--slots " + std::to_string(setup.memory.slots) + " rows cannot be made from the " +
                            std::to_string(file.size()) + " keys of " + file.path().string() + "; ask for fewer");
  return empty_manifest(setup, kOwnCodes, kOwnCodes, file.code_size(), file.key_size());
}

/// describe_codes on all ranks, with the file read once.
NewDocument describe_together(comm::Transport& transport, const CodesFile& file) {
  NewDocument document = comm::together(transport, [&] {
    return transport.rank() == 0 ? describe_codes(file) : NewDocument{file.path(), 0, {}, 0};
  });
  struct Described {
    std::uint64_t bytes;
    store::Hash128 content;
    std::uint64_t blocks;
  } described{document.bytes, document.content, document.blocks};
  transport.broadcast(std::span(&described, 1), 0);
  return {file.path(), described.bytes, described.content, described.blocks};
}

/// Ids that the memory has already: the first of all shards, or nothing.
std::optional<std::uint64_t> id_that_is_there(const shard::StoredSegments& stored, const CodesFile& file) {
  for (const std::uint64_t id : file.ids()) {
    if (stored.log_of(base::SegmentId{id})) return id;
  }
  return std::nullopt;
}

}  // namespace

wire::RolePlan plan_storage(int ranks) {
  wire::RolePlan plan{ranks, {}, {0}};
  for (int rank = ranks == 1 ? 0 : 1; rank < ranks; ++rank) plan.shard_ranks.push_back(rank);
  return plan;
}

NewDocument describe_codes(const CodesFile& file) {
  return {file.path(), std::filesystem::file_size(file.path()), hash_of_file(file.path()), CodeBlocks(file, 0).count()};
}

void check_fits(const CodesFile& file, const store::Manifest& manifest) {
  if (file.code_size() == manifest.code_size && file.key_size() == manifest.key_size) return;
  throw base::ShapeError(file.path().string() + " has codes of " + std::to_string(file.code_size()) + " and keys of " +
                         std::to_string(file.key_size()) + " components, but the memory's have " +
                         std::to_string(manifest.code_size) + " and " + std::to_string(manifest.key_size));
}

void check_own_rows(const CodesFile& file, const wire::RolePlan& roles, int rank) {
  const int number = roles.shard_of(rank);
  const CodeBlocks blocks(file, 0);
  for (std::uint64_t i = 0; number >= 0 && i < blocks.count(); ++i) {
    if (i % roles.shards() == static_cast<std::uint64_t>(number))
      file.check_rows(blocks.rows(i).first, blocks.rows(i).count);
  }
}

void append_codes(const CodesFile& file, std::uint64_t first_block, std::uint32_t document,
                  const shard::ShardPlace& place, shard::LogWriters& logs) {
  const CodeBlocks blocks(file, first_block);
  for (std::uint64_t i = 0; i < blocks.count(); ++i) {
    if (!blocks.is_of(i, place) || logs.has(first_block + i)) continue;
    base::throw_if_interrupted();
    blocks.append(i, document, logs);
  }
}

int ingest_codes(comm::Transport& transport, Session& session, const IngestCommand& command) {
  transport.set_patience(command.setup.patience);
  const wire::RolePlan roles = session.plan(plan_storage(session.ranks_at_start()));
  const int number = roles.shard_of(transport.rank());
  std::optional<CodesFile> file;
  store::Manifest empty;
  comm::together(transport, [&] {
    if (!command.context.empty()) throw base::UsageError("--context and --codes do not go together");
    file.emplace(command.codes);
    empty = empty_codes_manifest(command, *file);
  });
  const NewDocument document = describe_together(transport, *file);
  const shard::ShardPlace place{base::ShardId{static_cast<std::uint32_t>(std::max(number, 0))}, roles.shard_map(),
                                static_cast<linalg::Index>(file->code_size()),
                                static_cast<linalg::Index>(file->key_size())};
  comm::together(transport, [&] { check_own_rows(*file, roles, transport.rank()); });
  const bool there = MemoryFolder::is_there(transport, command.memory);
  comm::together(transport, [&] {
    if (!there && command.kind == IngestKind::kAppend)
      throw base::MissingInputError(command.memory.string() + " is no memory to append to; larimar ingest makes one");
  });
  MemoryFolder memory = there ? MemoryFolder::open_writing(transport, command.memory, MemoryFolder::Wanted::kAny)
                              : MemoryFolder::create(transport, command.memory, begin_documents(empty, {document}));
  store::Manifest next = memory.manifest();
  if (next.state == store::MemoryState::kComplete && unknown_documents({document}, next).empty()) {
    if (session.losses() == 0 && transport.rank() == 0)
      std::cout << "nothing new: " << command.memory.string() << " is complete\n";
    return 0;
  }
  if (there) {
    comm::together(transport, [&] {
      check_same_settings(next, empty);
      if (next.state == store::MemoryState::kIngesting) {
        check_same_documents(next, {document});
        return;
      }
      if (command.kind == IngestKind::kIngest)
        throw base::ConfigError(command.memory.string() + " is a complete memory; larimar append adds codes to it");
      if (number >= 0) {
        if (const auto id = id_that_is_there(read_segments(memory, place), *file))
          throw base::FormatError(command.codes.string() + ": id " + std::to_string(*id) +
                                  " is in the memory already; larimar update replaces it");
      }
    });
    if (next.state != store::MemoryState::kIngesting) memory.commit(transport, begin_documents(next, {document}));
  }
  std::optional<shard::LogWriters> logs;
  const std::size_t first = first_unfinished(memory.manifest());
  transport.set_phase("ingest");
  const base::InterruptScope interruptible(command.max_time);
  comm::together(transport, [&] {
    if (number < 0) return;
    logs.emplace(memory.folder(), place.shard, place.shards, command.acknowledge);
    try {
      append_codes(*file, memory.manifest().documents[first].first_block, static_cast<std::uint32_t>(first), place,
                   *logs);
    } catch (const base::Error& error) {
      if (error.code() == base::ExitCode::kInterrupted) logs->sync();
      throw;
    }
    logs->sync();
  });
  finish_ingest(transport, memory, logs ? &*logs : nullptr, place, {command.setup.m0, command.setup.seed});
  session.note_result();
  std::ostringstream words;
  words << command.memory.string() << ": " << file->size() << " codes of " << file->code_size() << " with keys of "
        << file->key_size();
  session.say_at_end([words = words.str()] { std::cout << words << std::endl; });
  return 0;
}

coordinator::CodesIngest sizes_of_ingest(const std::filesystem::path& memory, const store::Manifest& manifest,
                                         std::size_t shards) {
  coordinator::CodesIngest sizes{std::filesystem::file_size(memory / "manifest.1"),
                                 std::filesystem::file_size(memory / "manifest.0"), std::vector<std::size_t>(shards)};
  for (const store::LogState& log : manifest.logs) ++sizes.logs[log.shard % shards];
  return sizes;
}

}  // namespace larimar::launch

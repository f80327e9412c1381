#include "common/store/folder.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/failpoint.h"
#include "common/store/generations.h"

namespace larimar::store {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A writer that commits between the reading of one manifest and of the other makes them look as if they did not fit.
constexpr int kReadAgain = 3;

[[noreturn]] void refuse_no_memory(const std::filesystem::path& path) {
  throw base::FormatError(path.string() +
                          " is not a memory: it has neither manifest.0 nor manifest.1; "
                          "larimar ingest makes one");
}

}  // namespace

Folder::Folder(Directory directory) : directory_(std::make_unique<Directory>(std::move(directory))) {}

void Folder::take_lock(const LockOwner& owner) {
  lock_.emplace(*directory_, owner);
  if (!lock_->taken_over().empty()) {
    notes_.push_back("the lock of " + directory_->path().string() + " was left by " + lock_->taken_over() +
                     ", which has ended; it is taken over");
  }
}

void Folder::load(OnDamage on_damage, bool only_complete) {
  Generations generations = read_generations(*directory_);
  if (!generations.any_there()) refuse_no_memory(directory_->path());
  std::string doubt = generations.doubt(directory_->path());
  for (int i = 0; i < kReadAgain && !doubt.empty(); ++i) {
    generations = read_generations(*directory_);
    doubt = generations.doubt(directory_->path());
  }
  if (!doubt.empty()) {
    if (on_damage == OnDamage::kThrow || generations.newest() == nullptr) throw base::FormatError(doubt);
    notes_.push_back(doubt);
  }
  const Manifest* counts = only_complete ? generations.newest_complete() : generations.newest();
  if (counts == nullptr) {
    throw base::FormatError("memory " + directory_->path().string() + " is unfinished (" +
                            std::string(name_of(generations.newest()->state)) +
                            "): nothing in it is complete yet; run the command that was interrupted again");
  }
  manifest_ = *counts;
}

Folder Folder::create(FileSystem& files, const std::filesystem::path& path, Manifest first, const LockOwner& owner) {
  Folder folder(Directory::make(files, path));
  folder.take_lock(owner);
  folder.directory_->remove_temporaries();
  if (read_generations(*folder.directory_).any_there()) {
    throw base::Error(base::ExitCode::kCannotCreate,
                      path.string() + " is a memory already; append to it, or name another folder");
  }
  first.generation = 0;
  first.folder = content_hash(first);
  // Logs of a memory whose manifests were removed would otherwise be met, and refused, in the middle of the work.
  folder.manifest_ = first;
  folder.manifest_.logs.clear();
  folder.roll_back();
  folder.put(std::move(first));
  LARIMAR_FAILPOINT("store.folder.created");
  return folder;
}

Folder Folder::open_reading(FileSystem& files, const std::filesystem::path& path, OnDamage on_damage) {
  Folder folder(Directory::open(files, path));
  folder.load(on_damage, true);
  return folder;
}

Folder Folder::open_writing(FileSystem& files, const std::filesystem::path& path, const LockOwner& owner,
                            Recover recover) {
  Folder folder(Directory::open(files, path));
  if (!read_generations(*folder.directory_).any_there()) refuse_no_memory(path);  // before a lock file is put there
  folder.take_lock(owner);
  folder.directory_->remove_temporaries();
  folder.load(OnDamage::kThrow, false);
  if (recover == Recover::kRollBack) folder.roll_back();
  return folder;
}

Folder Folder::open_joined(FileSystem& files, const std::filesystem::path& path) {
  Folder folder(Directory::open(files, path));
  folder.load(OnDamage::kThrow, false);
  return folder;
}

bool Folder::is_memory(FileSystem& files, const std::filesystem::path& path) {
  // A folder that is there and cannot be read is not taken for none: a new memory must not be tried in its place.
  const std::optional<Directory> folder = Directory::open_if_folder(files, path);
  return folder && read_generations(*folder).any_there();
}

LogIdentity Folder::identity(std::uint32_t shard) const {
  return {.folder = manifest_.folder, .shard = shard, .code_size = manifest_.code_size, .key_size = manifest_.key_size};
}

LogReader Folder::read_log(std::uint32_t shard, OnDamage on_damage) const {
  return {*directory_, identity(shard), manifest_.log_of(shard), on_damage};
}

LogWriter Folder::write_log(std::uint32_t shard) const {
  return {*directory_, identity(shard), manifest_.log_of(shard)};
}

void Folder::roll_back() const {
  const std::vector<std::string> names = directory_->names();
  for (std::uint32_t shard = 0; shard < kVirtualShards; ++shard) {
    const LogState committed = manifest_.log_of(shard);
    if (committed.bytes == 0 && !std::binary_search(names.begin(), names.end(), log_name(shard))) continue;
    roll_back_log(*directory_, identity(shard), committed);
  }
}

void Folder::put(Manifest next) {
  next.generation = manifest_.generation + 1;
  next.folder = manifest_.folder;
  const std::string bytes = to_bytes(next);
  commit_failed_ = true;
  LARIMAR_FAILPOINT("store.manifest.commit");
  directory_->write_atomic(manifest_name(next.generation), bytes_of(bytes));
  commit_failed_ = false;
  manifest_ = std::move(next);
  LARIMAR_FAILPOINT("store.manifest.committed");
}

void Folder::commit(Manifest next) {
  if (!lock_)
    throw base::ConfigError("only the process that holds the lock of " + directory_->path().string() +
                            " commits to it");
  if (commit_failed_) {
    throw base::IoError("nothing more is committed to " + directory_->path().string() +
                        " after an earlier error; run the same command again");
  }
  for (const LogState& log : manifest_.logs) {
    if (next.log_of(log.shard).bytes < log.bytes) {
      throw base::ConfigError("the manifest of " + directory_->path().string() + " cannot count less of " +
                              log_name(log.shard) + " than before");
    }
  }
  put(std::move(next));
}

}  // namespace larimar::store

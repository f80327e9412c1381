#pragma once
// One folder in memory that knows what was synced: the file system of a machine whose power can be cut.
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/store/file_system.h"

namespace larimar::store {

/// What survives a loss of power beyond what was synced.
enum class Survivors {
  kNothing,  // neither bytes nor names
  kNames,    // names, not bytes: files that are there and empty, or shorter
  kBytes,    // bytes, not names
  kMixed,    // each name and each tail for itself, by a seed; tails in part, or as zeros
};

class MemoryFiles : public FileSystem {
 public:
  /// Descriptors are gone and unlocked, un-synced things as `survivors` says.
  void lose_power(Survivors survivors, std::uint64_t seed = 0) {
    base::Random random(seed);
    Names after = synced_names_;
    std::set<std::string> both;
    for (const auto& [name, file] : names_) both.insert(name);
    for (const auto& [name, file] : synced_names_) both.insert(name);
    for (const std::string& name : both) {
      const bool stays = survivors == Survivors::kNames || (survivors == Survivors::kMixed && random.below(2) == 0);
      if (!stays) continue;
      after.erase(name);
      if (names_.contains(name)) after[name] = names_[name];
    }
    names_ = synced_names_ = after;
    for (auto& [name, file] : names_) {
      if (survivors == Survivors::kMixed) {
        mix(*file, random);
      } else if (survivors != Survivors::kBytes) {
        file->bytes = file->synced;
      }
      file->synced = file->bytes;
    }
    made_ = made_ && (parent_synced_ || survivors == Survivors::kNames);
    open_.clear();
  }

  /// The folder as it is now: name to bytes.
  [[nodiscard]] std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> all;
    for (const auto& [name, file] : names_) all[name] = file->bytes;
    return all;
  }
  void set_contents(const std::map<std::string, std::string>& all) {
    made_ = parent_synced_ = true;
    names_.clear();
    for (const auto& [name, bytes] : all) names_[name] = std::make_shared<Inode>(Inode{bytes, bytes});
    synced_names_ = names_;
  }
  [[nodiscard]] std::string& bytes(const std::string& name) { return names_.at(name)->bytes; }

  int make_folder(const std::filesystem::path&) override {
    if (made_) return fail(EEXIST);
    made_ = true;
    return 0;
  }
  int open_folder(const std::filesystem::path& path) override {
    const bool parent = path == path.root_path();
    if (!parent && !made_) return fail(ENOENT);
    return add(nullptr, parent ? Kind::kParent : Kind::kFolder);
  }
  int open(int, const std::string& name, OpenMode mode) override {
    const auto at = names_.find(name);
    const bool makes = mode == OpenMode::kCreateAppend || mode == OpenMode::kReadWriteMake;
    if (at == names_.end() && !makes) return fail(ENOENT);
    if (at != names_.end() && mode == OpenMode::kCreateAppend) return fail(EEXIST);
    if (at == names_.end()) names_[name] = std::make_shared<Inode>();
    return add(names_[name], Kind::kFile);
  }
  int close(int descriptor) override { return open_.erase(descriptor) == 1 ? 0 : fail(EBADF); }
  int status(int descriptor, FileStatus& status) override {
    status = {.regular = true, .bytes = open_.at(descriptor).inode->bytes.size()};
    return 0;
  }
  std::ptrdiff_t read(int descriptor, std::uint64_t offset, std::span<std::byte> bytes) override {
    const std::string& all = open_.at(descriptor).inode->bytes;
    const std::size_t count = offset < all.size() ? std::min(bytes.size(), all.size() - offset) : 0;
    std::memcpy(bytes.data(), all.data() + offset, count);
    return static_cast<std::ptrdiff_t>(count);
  }
  std::ptrdiff_t write(int descriptor, std::span<const std::byte> bytes) override {
    open_.at(descriptor).inode->bytes.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return static_cast<std::ptrdiff_t>(bytes.size());
  }
  int truncate(int descriptor, std::uint64_t bytes) override {
    open_.at(descriptor).inode->bytes.resize(bytes);
    return 0;
  }
  int sync(int descriptor) override {
    Open& what = open_.at(descriptor);
    if (what.kind == Kind::kParent) parent_synced_ = true;
    if (what.kind == Kind::kFolder) synced_names_ = names_;
    if (what.kind == Kind::kFile) what.inode->synced = what.inode->bytes;
    return 0;
  }
  int rename(int, const std::string& from, const std::string& to) override {
    if (!names_.contains(from)) return fail(ENOENT);
    names_[to] = names_[from];
    names_.erase(from);
    return 0;
  }
  int remove(int, const std::string& name) override { return names_.erase(name) == 1 ? 0 : fail(ENOENT); }
  int list(int, std::vector<std::string>& found) override {
    found.clear();
    for (const auto& [name, file] : names_) found.push_back(name);
    return 0;
  }
  const std::byte* map(int descriptor, std::size_t bytes) override {
    auto* copy = static_cast<std::byte*>(::operator new (bytes, std::align_val_t{64}));
    std::memcpy(copy, open_.at(descriptor).inode->bytes.data(), bytes);
    return copy;
  }
  void unmap(const std::byte* data, std::size_t) override {
    ::operator delete (const_cast<std::byte*>(data), std::align_val_t{64});
  }
  int lock(int descriptor) override {
    for (const auto& [other, what] : open_) {
      if (what.inode == open_.at(descriptor).inode && what.locked && other != descriptor) return fail(EWOULDBLOCK);
    }
    open_.at(descriptor).locked = true;
    return 0;
  }
  bool locks_reach_all_hosts(int) override { return true; }

 private:
  struct Inode {
    std::string bytes, synced;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  enum class Kind { kFile, kFolder, kParent };
  struct Open {
    std::shared_ptr<Inode> inode;
    Kind kind = Kind::kFile;
    bool locked = false;
  };

  static int fail(int why) {
    errno = why;
    return -1;
  }
  int add(std::shared_ptr<Inode> inode, Kind kind) {
    open_[++last_] = {.inode = std::move(inode), .kind = kind};
    return last_;
  }
  /// Of what was appended since the sync a part survives, behind it perhaps zeros where bytes should be; a file that
  /// was made shorter is so, or not.
  static void mix(Inode& file, base::Random& random) {
    if (file.bytes.size() < file.synced.size() || !file.bytes.starts_with(file.synced)) {
      if (random.below(2) == 0) file.bytes = file.synced;
      return;
    }
    const std::size_t added = file.bytes.size() - file.synced.size();
    const std::size_t kept = file.synced.size() + random.below(added + 1);
    const std::size_t zeros = random.below(2) == 0 ? random.below(file.bytes.size() - kept + 1) : 0;
    file.bytes.resize(kept);
    file.bytes.append(zeros, '\0');
  }

  bool made_ = false, parent_synced_ = false;
  Names names_, synced_names_;
  std::map<int, Open> open_;
  int last_ = 2;
};

}  // namespace larimar::store

#include "common/store/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace larimar::store {
namespace {

int flags_of(OpenMode mode) {
  // O_NONBLOCK: opening a pipe that nobody serves returns, and is then refused as not regular.
  const int always = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  switch (mode) {
    case OpenMode::kRead:
      return always | O_RDONLY;
    case OpenMode::kAppend:
      return always | O_WRONLY | O_APPEND;
    case OpenMode::kCreateAppend:
      return always | O_WRONLY | O_APPEND | O_CREAT | O_EXCL;
    case OpenMode::kReadWriteMake:
      return always | O_RDWR | O_CREAT;
  }
  return always;
}

class RealFileSystem final : public FileSystem {
 public:
  int make_folder(const std::filesystem::path& path) override { return ::mkdir(path.c_str(), 0777); }

  int open_folder(const std::filesystem::path& path) override {
    return ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }

  int open(int folder, const std::string& name, OpenMode mode) override {
    const int descriptor = ::openat(folder, name.c_str(), flags_of(mode), 0666);
    if (descriptor < 0) return descriptor;
    struct stat status {};
    const bool known = ::fstat(descriptor, &status) == 0;
    if (known && S_ISREG(status.st_mode)) return descriptor;
    const int why = known ? EINVAL : errno;
    ::close(descriptor);
    errno = why;
    return -1;
  }

  int close(int descriptor) override { return ::close(descriptor); }

  int status(int descriptor, FileStatus& status) override {
    struct stat raw {};
    const int result = ::fstat(descriptor, &raw);
    status = {.regular = S_ISREG(raw.st_mode), .bytes = static_cast<std::uint64_t>(std::max<off_t>(raw.st_size, 0))};
    return result;
  }

  std::ptrdiff_t read(int descriptor, std::uint64_t offset, std::span<std::byte> bytes) override {
    return ::pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  }

  std::ptrdiff_t write(int descriptor, std::span<const std::byte> bytes) override {
    return ::write(descriptor, bytes.data(), bytes.size());
  }

  int truncate(int descriptor, std::uint64_t bytes) override {
    return ::ftruncate(descriptor, static_cast<off_t>(bytes));
  }

  int sync(int descriptor) override {
    const int result = ::fsync(descriptor);
    return result != 0 && errno == EINVAL ? 0 : result;  // a file system where that kind of file cannot be synced
  }

  int rename(int folder, const std::string& from, const std::string& to) override {
    return ::renameat(folder, from.c_str(), folder, to.c_str());
  }

  int remove(int folder, const std::string& name) override { return ::unlinkat(folder, name.c_str(), 0); }

  int list(int folder, std::vector<std::string>& names) override {
    names.clear();
    const int again = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0) return -1;
    DIR* stream = ::fdopendir(again);
    if (stream == nullptr) return -1;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) names.emplace_back(entry->d_name);
    const int why = errno;
    ::closedir(stream);
    errno = why;
    return why == 0 ? 0 : -1;
  }

  const std::byte* map(int descriptor, std::size_t bytes) override {
    void* data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
    return data == MAP_FAILED ? nullptr : static_cast<const std::byte*>(data);
  }

  void unmap(const std::byte* data, std::size_t bytes) override { ::munmap(const_cast<std::byte*>(data), bytes); }
  void let_go(const std::byte* data, std::size_t bytes) override {
    ::madvise(const_cast<std::byte*>(data), bytes, MADV_DONTNEED);
  }

  int lock(int descriptor) override { return ::flock(descriptor, LOCK_EX | LOCK_NB); }

  bool locks_reach_all_hosts(int descriptor) override {
    // Parallel file systems may be mounted with locks of one host only, and nothing tells: Lustre, Lustre's client
    // name, BeeGFS, PVFS, and FUSE, behind which anything may be.
    constexpr std::uint32_t kUncertain[] = {0x0BD00BD0, 0x0BD00BD1, 0x19830326, 0x20030528, 0x65735546};
    struct statfs status {};
    if (::fstatfs(descriptor, &status) != 0) return false;
    const auto type = static_cast<std::uint32_t>(status.f_type);
    return std::find(std::begin(kUncertain), std::end(kUncertain), type) == std::end(kUncertain);
  }
};

}  // namespace

FileSystem& real_file_system() {
  static RealFileSystem files;
  return files;
}

}  // namespace larimar::store

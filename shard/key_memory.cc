#include "shard/key_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"

namespace larimar::shard {
namespace {

namespace fs = std::filesystem;

/// Left to the rest of the program and the system before keys go to a file.
constexpr std::uint64_t kSpare = 256ULL << 20;

std::byte* map_memory(std::size_t bytes) {
  void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  static_cast<void>(::madvise(place, bytes, MADV_HUGEPAGE));  // without huge pages it works as well, only slower
  return static_cast<std::byte*>(place);
}

[[noreturn]] void refuse(const fs::path& folder, std::size_t bytes, int cause) {
  throw base::IoError("cannot hold " + std::to_string(bytes >> 20) + " MiB of keys in a file in " + folder.string() +
                      ": " + std::generic_category().message(cause) + "; name a folder with room by --key-folder");
}

std::byte* map_file(const fs::path& folder, std::size_t bytes) {
  std::string name = (folder / "larimar-keys-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) refuse(folder, bytes, errno);
  ::unlink(name.c_str());  // gone with the process, however it ends
  // Taken now: a disk that is full is a sentence here and a signal at the first write.
  const int full = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  void* place = full != 0 ? MAP_FAILED : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int cause = full != 0 ? full : errno;
  ::close(file);
  if (place == MAP_FAILED) refuse(folder, bytes, cause);
  return static_cast<std::byte*>(place);
}

void warn_once(const fs::path& folder) {
  static std::atomic<bool> warned = false;
  if (warned.exchange(true)) return;
  base::log(base::LogLevel::kWarning, "the keys do not fit into memory: the rest is mapped from files in " +
                                          folder.string() +
                                          ", which is slower; use --key-store int8, or more ranks on more hosts");
}

}  // namespace

std::uint64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    if (word != "MemAvailable:") continue;
    std::uint64_t kibibytes = 0;
    if (file >> kibibytes) return kibibytes << 10;
  }
  return std::numeric_limits<std::uint64_t>::max();
}

KeyMemory::KeyMemory(std::size_t bytes, const fs::path& folder) : bytes_(bytes) {
  if (folder.empty() && available_memory() / 2 + kSpare / 2 >= bytes / 2 + kSpare) data_ = map_memory(bytes);
  if (data_ != nullptr) return;
  std::error_code none;
  const fs::path place = folder.empty() ? fs::temp_directory_path(none) : folder;
  if (folder.empty()) warn_once(place);
  data_ = map_file(place, bytes);
}

KeyMemory::KeyMemory(KeyMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

KeyMemory& KeyMemory::operator=(KeyMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

KeyMemory::~KeyMemory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace larimar::shard

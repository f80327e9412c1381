#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace larimar::shard {

/// A large piece of zeroed memory on page boundaries, in huge pages where the system has them: a scan that runs through
/// gigabytes in pages of 4 KiB loses speed to address translation. Pages are taken as they are first written.
/// Or the same as a mapped file without a name, for what does not fit into memory. Owns the piece; movable.
class KeyMemory {
 public:
  /// In memory; in a file where memory has no room for it (a warning says so, once), or where `folder` names a place.
  /// Throws IoError naming the folder if the file cannot be made, or the disk is full.
  explicit KeyMemory(std::size_t bytes, const std::filesystem::path& folder = {});
  KeyMemory(KeyMemory&& other) noexcept;
  KeyMemory& operator=(KeyMemory&& other) noexcept;
  KeyMemory(const KeyMemory&) = delete;
  KeyMemory& operator=(const KeyMemory&) = delete;
  ~KeyMemory();

  [[nodiscard]] std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Bytes that the system could give without swapping, by /proc/meminfo; the largest number where that is not known.
[[nodiscard]] std::uint64_t available_memory();

}  // namespace larimar::shard

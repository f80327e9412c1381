#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace larimar::base {

/// A whole file, read only, mapped into memory. Owns the mapping; movable. Valid until destroyed.
/// Throws MissingInputError if the file is absent, a directory or unreadable. An empty file gives empty bytes.
class MappedFile {
 public:
  explicit MappedFile(std::filesystem::path path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The whole file as a string. Throws as MappedFile does.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

/// Lets the system fetch this part of a file while the caller does other work. Only advice: nothing is thrown.
void read_ahead(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t bytes) noexcept;

/// A file that appears complete under its name or not at all: bytes go to a temporary beside it; commit() syncs,
/// renames and syncs the folder. Dropped without commit, the temporary is removed.
/// Throws Error(kCannotCreate) if the temporary cannot be made, IoError if a write, sync or rename fails.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// AtomicFile in one call.
void write_file(const std::filesystem::path& path, std::string_view text);

/// Makes the folder and its parents. Throws Error(kCannotCreate) naming the folder and the cause.
void make_folder(const std::filesystem::path& folder);

}  // namespace larimar::base

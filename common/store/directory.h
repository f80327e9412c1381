#pragma once
// Files of one folder, over the seam: the only place that loops over interrupted calls and short writes, and that turns
// an errno into a sentence.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/store/file_system.h"

namespace larimar::store {

/// A whole file, read only. Owns the mapping, borrows the seam; movable; bytes are valid until destroyed.
class Mapping {
 public:
  Mapping() = default;
  Mapping(FileSystem& files, const std::byte* data, std::size_t size) : files_(&files), data_(data), size_(size) {}
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Its pages no longer count as this process's memory; the bytes stay as valid as they were.
  void let_go() const {
    if (data_ != nullptr) files_->let_go(data_, size_);
  }

 private:
  FileSystem* files_ = nullptr;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// An open file. Owns its descriptor, borrows the seam; movable. All throw IoError naming the file and the cause.
class File {
 public:
  File(FileSystem& files, std::filesystem::path path, int descriptor)
      : files_(&files), path_(std::move(path)), descriptor_(descriptor) {}
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] std::uint64_t size() const;
  /// All of it; at most `limit` bytes, else FormatError.
  [[nodiscard]] std::string read_all(std::size_t limit) const;
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  void truncate(std::uint64_t bytes);
  void sync();
  /// Empty bytes for an empty file.
  [[nodiscard]] Mapping map() const;
  /// errno of an attempt to take the lock; 0: taken.
  [[nodiscard]] int try_lock();
  [[nodiscard]] bool lock_reaches_all_hosts() const { return files_->locks_reach_all_hosts(descriptor_); }

 private:
  FileSystem* files_;
  std::filesystem::path path_;
  int descriptor_;
};

/// An open folder. Owns its descriptor, borrows the seam; movable. Once open, it stays the same folder if it is
/// renamed.
/// Calls   local.
class Directory {
 public:
  /// Throws MissingInputError if the folder is absent, no folder or not readable.
  static Directory open(FileSystem& files, const std::filesystem::path& path);
  /// The same, but nullopt if there is nothing of that name, or no folder.
  static std::optional<Directory> open_if_folder(FileSystem& files, const std::filesystem::path& path);
  /// The folder is made if it is not there, with its parents; the new names are synced.
  /// Throws Error(kCannotCreate) naming the folder and the cause.
  static Directory make(FileSystem& files, const std::filesystem::path& path);
  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&& other) noexcept;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] FileSystem& files() const { return *files_; }

  /// nullopt if there is nothing of that name. Throws IoError if it cannot be opened, FormatError if it is a link, a
  /// folder or anything but a regular file.
  [[nodiscard]] std::optional<File> open_if_there(const std::string& name, OpenMode mode) const;
  /// As open_if_there with kRead, mapped.
  [[nodiscard]] std::optional<Mapping> map_if_there(const std::string& name) const;
  /// A new file. Throws Error(kCannotCreate), also if something of that name is there.
  [[nodiscard]] File create(const std::string& name) const;
  /// Opened for reading and writing, made if it is not there. Throws Error(kCannotCreate).
  [[nodiscard]] File open_or_make(const std::string& name) const;
  /// Names of all that is in the folder, sorted, without "." and "..".
  [[nodiscard]] std::vector<std::string> names() const;
  /// Nothing happens if there is nothing of that name.
  void remove(const std::string& name) const;
  /// The names onto the disk.
  void sync() const;

  /// The file appears complete under its name or not at all: temporary, sync, rename, sync of the folder. What was
  /// there before under that name is replaced. On return the bytes survive a loss of power.
  /// Throws  Error(kCannotCreate) if the temporary cannot be made, IoError otherwise; the temporary is then removed.
  void write_atomic(const std::string& name, std::span<const std::byte> bytes) const;
  /// Removes what write_atomic left behind when its process was killed. Only for the one writer of the folder.
  void remove_temporaries() const;

 private:
  Directory(FileSystem& files, std::filesystem::path path, int descriptor)
      : files_(&files), path_(std::move(path)), descriptor_(descriptor) {}
  [[nodiscard]] int open_descriptor(const std::string& name, OpenMode mode) const;
  [[nodiscard]] File create_temporary(const std::string& name, std::string& temporary) const;

  FileSystem* files_;
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace larimar::store

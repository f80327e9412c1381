#pragma once
// A file system whose Nth call fails.
#include <cerrno>
#include <string>
#include <vector>

#include "common/store/file_system.h"

namespace larimar::store {

struct Failure {
  std::uint64_t nth = 0;  // 0: never
  int error = EIO;        // 0: a write takes half of its bytes, a read one byte, and neither is an error
  bool for_ever = false;  // the nth call and all after it
  bool part_first =
      false;  // if the nth is a write, it takes half of its bytes, as a disk that gets full or a dying process
};

/// Borrows the files behind it. Closing and unmapping cannot fail and are not counted.
class FailingFiles : public FileSystem {
 public:
  FailingFiles(FileSystem& files, const Failure& failure) : files_(files), failure_(failure) {}
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] bool has_failed() const { return failure_.nth != 0 && calls_ >= failure_.nth; }

  int make_folder(const std::filesystem::path& path) override { return fails() ? -1 : files_.make_folder(path); }
  int open_folder(const std::filesystem::path& path) override { return fails() ? -1 : files_.open_folder(path); }
  int open(int folder, const std::string& name, OpenMode mode) override {
    return fails() ? -1 : files_.open(folder, name, mode);
  }
  int close(int descriptor) override { return files_.close(descriptor); }
  int status(int descriptor, FileStatus& status) override { return fails() ? -1 : files_.status(descriptor, status); }
  std::ptrdiff_t read(int descriptor, std::uint64_t offset, std::span<std::byte> bytes) override {
    if (fails()) return -1;
    return files_.read(descriptor, offset, is_short() ? bytes.first(1) : bytes);
  }
  std::ptrdiff_t write(int descriptor, std::span<const std::byte> bytes) override {
    const bool first = calls_ + 1 == failure_.nth;
    if (first && failure_.part_first && bytes.size() > 1) {
      ++calls_;
      return files_.write(descriptor, bytes.first(bytes.size() / 2));
    }
    if (fails()) return -1;
    return files_.write(descriptor, is_short() && bytes.size() > 1 ? bytes.first(bytes.size() / 2) : bytes);
  }
  int truncate(int descriptor, std::uint64_t bytes) override {
    return fails() ? -1 : files_.truncate(descriptor, bytes);
  }
  int sync(int descriptor) override { return fails() ? -1 : files_.sync(descriptor); }
  int rename(int folder, const std::string& from, const std::string& to) override {
    return fails() ? -1 : files_.rename(folder, from, to);
  }
  int remove(int folder, const std::string& name) override { return fails() ? -1 : files_.remove(folder, name); }
  int list(int folder, std::vector<std::string>& names) override { return fails() ? -1 : files_.list(folder, names); }
  const std::byte* map(int descriptor, std::size_t bytes) override {
    return fails() ? nullptr : files_.map(descriptor, bytes);
  }
  void unmap(const std::byte* data, std::size_t bytes) override { files_.unmap(data, bytes); }
  int lock(int descriptor) override { return fails() ? -1 : files_.lock(descriptor); }
  bool locks_reach_all_hosts(int descriptor) override { return files_.locks_reach_all_hosts(descriptor); }

 private:
  bool fails() {
    ++calls_;
    const bool hit = failure_.nth != 0 && (calls_ == failure_.nth || (failure_.for_ever && calls_ > failure_.nth));
    if (!hit || failure_.error == 0) return false;
    errno = failure_.error;
    return true;
  }
  [[nodiscard]] bool is_short() const {
    return failure_.error == 0 && failure_.nth != 0 &&
           (calls_ == failure_.nth || (failure_.for_ever && calls_ > failure_.nth));
  }

  FileSystem& files_;
  Failure failure_;
  std::uint64_t calls_ = 0;
};

}  // namespace larimar::store

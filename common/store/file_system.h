#pragma once
// The one seam between this library and the system's file calls. Tests put their own behind it: one whose Nth call
// fails, one that forgets what was not synced.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace larimar::store {

struct FileStatus {
  bool regular = false;
  std::uint64_t bytes = 0;
};

enum class OpenMode {
  kRead,           // the file must be there
  kAppend,         // the file must be there; writes go to its end
  kCreateAppend,   // the file must not be there
  kReadWriteMake,  // made if it is not there; for the lock
};

/// What the system can do with files, as thin as the system's own calls: each returns -1 (or nullptr) and sets errno,
/// may be interrupted (EINTR) and may write less than it was given. Only Directory and File call it; they loop and
/// throw. Names are single names within an open folder; links are not followed, what is not a regular file is refused
/// (EINVAL).
/// Calls   local. Thread-safe as far as the system is.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Makes one folder (EEXIST if there is something of that name).
  virtual int make_folder(const std::filesystem::path& path) = 0;
  virtual int open_folder(const std::filesystem::path& path) = 0;
  virtual int open(int folder, const std::string& name, OpenMode mode) = 0;
  virtual int close(int descriptor) = 0;
  virtual int status(int descriptor, FileStatus& status) = 0;
  /// Up to bytes.size() bytes at `offset`; how many came, 0 at the end.
  virtual std::ptrdiff_t read(int descriptor, std::uint64_t offset, std::span<std::byte> bytes) = 0;
  /// At the end of the file in the append modes, else after what was written before.
  virtual std::ptrdiff_t write(int descriptor, std::span<const std::byte> bytes) = 0;
  virtual int truncate(int descriptor, std::uint64_t bytes) = 0;
  /// A file's bytes, or a folder's names, onto the disk.
  virtual int sync(int descriptor) = 0;
  virtual int rename(int folder, const std::string& from, const std::string& to) = 0;
  virtual int remove(int folder, const std::string& name) = 0;
  virtual int list(int folder, std::vector<std::string>& names) = 0;
  /// Read only; bytes > 0. Pages may be shared with the file: a file is never made shorter below what readers may see.
  virtual const std::byte* map(int descriptor, std::size_t bytes) = 0;
  virtual void unmap(const std::byte* data, std::size_t bytes) = 0;
  /// What of a mapping lies in memory may go; the next look fetches it again. Only advice.
  virtual void let_go(const std::byte* data, std::size_t bytes) { static_cast<void>(data), static_cast<void>(bytes); }
  /// Takes the exclusive lock of an open file without waiting: EWOULDBLOCK if another has it, ENOLCK or such if the
  /// file system has no locks. Gone when the descriptor is closed or the process ends.
  virtual int lock(int descriptor) = 0;
  /// Whether a lock on one host keeps those on other hosts out, so that a free one proves its holder dead.
  virtual bool locks_reach_all_hosts(int descriptor) = 0;
};

/// The system's own files. One for the process; lives until its end.
[[nodiscard]] FileSystem& real_file_system();

}  // namespace larimar::store

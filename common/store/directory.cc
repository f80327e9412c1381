#include "common/store/directory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/error.h"
#include "common/base/failpoint.h"

namespace larimar::store {
namespace {

constexpr std::string_view kTemporaryPrefix = ".larimar-temporary.";
constexpr int kTemporaryNames = 16;

std::string cause() { return std::strerror(errno); }

/// -1 with errno if a failpoint asks for a failure, 0 otherwise.
int injected_failure() {
  switch (base::take_io_fault(false)) {
    case base::IoFault::kEio:
      errno = EIO;
      return -1;
    case base::IoFault::kEnospc:
      errno = ENOSPC;
      return -1;
    default:
      return 0;
  }
}

/// More interruptions in a row than any signal handler makes: the file system itself answers that way.
constexpr int kInterruptions = 1000;

/// The call, repeated while a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) -> decltype(call()) {
  if (injected_failure() != 0) return decltype(call()){-1};
  auto result = call();
  for (int i = 0; i < kInterruptions && result < 0 && errno == EINTR; ++i) result = call();
  return result;
}

std::ptrdiff_t write_some(FileSystem& files, int descriptor, std::span<const std::byte> bytes) {
  switch (base::take_io_fault(true)) {
    case base::IoFault::kEio:
      errno = EIO;
      return -1;
    case base::IoFault::kEnospc:
      errno = ENOSPC;
      return -1;
    case base::IoFault::kShortWrite:
      return files.write(descriptor, bytes.first(std::max<std::size_t>(bytes.size() / 2, 1)));
    case base::IoFault::kBitflip: {
      std::vector<std::byte> flipped(bytes.begin(), bytes.end());
      flipped[flipped.size() / 2] ^= std::byte{0x10};
      return files.write(descriptor, flipped);
    }
    case base::IoFault::kNone:
      break;
  }
  return files.write(descriptor, bytes);
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  const std::filesystem::path plain = path.has_filename() ? path : path.parent_path();
  return plain.parent_path().empty() ? std::filesystem::path(".") : plain.parent_path();
}

[[noreturn]] void refuse_folder(const std::filesystem::path& path) {
  throw base::Error(base::ExitCode::kCannotCreate, "cannot make folder " + path.string() + ": " + cause());
}

/// One folder and its name in the parent; parents first.
void make_one(FileSystem& files, const std::filesystem::path& path, int depth) {
  LARIMAR_FAILPOINT("store.folder.make");
  int made = uninterrupted([&] { return files.make_folder(path); });
  if (made != 0 && errno == ENOENT && depth < 64 && parent_of(path) != path) {
    make_one(files, parent_of(path), depth + 1);
    made = uninterrupted([&] { return files.make_folder(path); });
  }
  if (made != 0) {
    if (errno == EEXIST) return;
    refuse_folder(path);
  }
  const int parent = uninterrupted([&] { return files.open_folder(parent_of(path)); });
  if (parent < 0) refuse_folder(path);
  const int synced = uninterrupted([&] { return files.sync(parent); });
  const int why = errno;
  files.close(parent);
  errno = why;
  if (synced != 0) refuse_folder(path);
}

}  // namespace

Mapping::Mapping(Mapping&& other) noexcept
    : files_(other.files_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(files_, other.files_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) files_->unmap(data_, size_);
}

File::File(File&& other) noexcept
    : files_(other.files_), path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(files_, other.files_);
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) files_->close(descriptor_);
}

std::uint64_t File::size() const {
  FileStatus status;
  if (uninterrupted([&] { return files_->status(descriptor_, status); }) != 0) {
    throw base::IoError("cannot learn the size of " + path_.string() + ": " + cause());
  }
  return status.bytes;
}

std::string File::read_all(std::size_t limit) const {
  const std::uint64_t bytes = size();
  if (bytes > limit) {
    throw base::FormatError(path_.string() + " has " + std::to_string(bytes) + " bytes; at most " +
                            std::to_string(limit) + " are expected");
  }
  std::string text(static_cast<std::size_t>(bytes), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const std::span<char> rest(text.data() + done, text.size() - done);
    const auto got = uninterrupted([&] { return files_->read(descriptor_, done, std::as_writable_bytes(rest)); });
    if (got < 0) throw base::IoError("cannot read " + path_.string() + ": " + cause());
    if (got == 0) break;  // made shorter by another process meanwhile
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

void File::write(std::span<const std::byte> bytes) {
  int interrupted = 0;
  while (!bytes.empty()) {
    const std::ptrdiff_t written = write_some(*files_, descriptor_, bytes);
    if (written < 0 && errno == EINTR && ++interrupted < kInterruptions) continue;
    if (written == 0) errno = EIO;
    if (written <= 0) throw base::IoError("cannot write " + path_.string() + ": " + cause());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void File::truncate(std::uint64_t bytes) {
  if (uninterrupted([&] { return files_->truncate(descriptor_, bytes); }) != 0) {
    throw base::IoError("cannot cut " + path_.string() + " to " + std::to_string(bytes) + " bytes: " + cause());
  }
}

void File::sync() {
  if (uninterrupted([&] { return files_->sync(descriptor_); }) != 0) {
    throw base::IoError("cannot sync " + path_.string() + ": " + cause());
  }
}

Mapping File::map() const {
  const std::uint64_t bytes = size();
  if (bytes == 0) return {};
  const std::byte* data = nullptr;
  const int mapped = uninterrupted([&] {
    data = files_->map(descriptor_, static_cast<std::size_t>(bytes));
    return data == nullptr ? -1 : 0;
  });
  if (mapped != 0) throw base::IoError("cannot map " + path_.string() + ": " + cause());
  return {*files_, data, static_cast<std::size_t>(bytes)};
}

int File::try_lock() {
  return uninterrupted([&] { return files_->lock(descriptor_); }) == 0 ? 0 : errno;
}

std::optional<Directory> Directory::open_if_folder(FileSystem& files, const std::filesystem::path& path) {
  LARIMAR_FAILPOINT("store.folder.open");
  const int descriptor = uninterrupted([&] { return files.open_folder(path); });
  if (descriptor >= 0) return Directory(files, path, descriptor);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw base::MissingInputError("cannot open folder " + path.string() + ": " + cause());
}

Directory Directory::open(FileSystem& files, const std::filesystem::path& path) {
  std::optional<Directory> folder = open_if_folder(files, path);
  if (!folder) throw base::MissingInputError("cannot open folder " + path.string() + ": " + cause());
  return std::move(*folder);
}

Directory Directory::make(FileSystem& files, const std::filesystem::path& path) {
  int descriptor = uninterrupted([&] { return files.open_folder(path); });
  if (descriptor < 0 && errno == ENOENT) {
    make_one(files, path, 0);
    descriptor = uninterrupted([&] { return files.open_folder(path); });
  }
  if (descriptor < 0) refuse_folder(path);
  return {files, path, descriptor};
}

Directory::Directory(Directory&& other) noexcept
    : files_(other.files_), path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

Directory& Directory::operator=(Directory&& other) noexcept {
  std::swap(files_, other.files_);
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Directory::~Directory() {
  if (descriptor_ >= 0) files_->close(descriptor_);
}

int Directory::open_descriptor(const std::string& name, OpenMode mode) const {
  return uninterrupted([&] { return files_->open(descriptor_, name, mode); });
}

std::optional<File> Directory::open_if_there(const std::string& name, OpenMode mode) const {
  const int descriptor = open_descriptor(name, mode);
  if (descriptor >= 0) return File(*files_, path_ / name, descriptor);
  if (errno == ENOENT) return std::nullopt;
  if (errno == ELOOP || errno == EINVAL || errno == EISDIR || errno == ENXIO) {
    throw base::FormatError((path_ / name).string() +
                            " is not a regular file (a link or a folder, perhaps); "
                            "a memory's own files are never links");
  }
  if (mode == OpenMode::kRead && errno == EACCES) {
    throw base::MissingInputError("cannot read " + (path_ / name).string() + ": " + cause());
  }
  throw base::IoError("cannot open " + (path_ / name).string() + ": " + cause());
}

std::optional<Mapping> Directory::map_if_there(const std::string& name) const {
  const std::optional<File> file = open_if_there(name, OpenMode::kRead);
  if (!file) return std::nullopt;
  return file->map();
}

File Directory::create(const std::string& name) const {
  const int descriptor = open_descriptor(name, OpenMode::kCreateAppend);
  if (descriptor >= 0) return {*files_, path_ / name, descriptor};
  throw base::Error(base::ExitCode::kCannotCreate, "cannot create " + (path_ / name).string() + ": " + cause());
}

File Directory::open_or_make(const std::string& name) const {
  const int descriptor = open_descriptor(name, OpenMode::kReadWriteMake);
  if (descriptor >= 0) return {*files_, path_ / name, descriptor};
  throw base::Error(base::ExitCode::kCannotCreate, "cannot create " + (path_ / name).string() + ": " + cause());
}

std::vector<std::string> Directory::names() const {
  std::vector<std::string> found;
  if (uninterrupted([&] { return files_->list(descriptor_, found); }) != 0) {
    throw base::IoError("cannot list folder " + path_.string() + ": " + cause());
  }
  std::erase_if(found, [](const std::string& name) { return name == "." || name == ".."; });
  std::sort(found.begin(), found.end());
  return found;
}

void Directory::remove(const std::string& name) const {
  if (uninterrupted([&] { return files_->remove(descriptor_, name); }) != 0 && errno != ENOENT) {
    throw base::IoError("cannot remove " + (path_ / name).string() + ": " + cause());
  }
}

void Directory::sync() const {
  if (uninterrupted([&] { return files_->sync(descriptor_); }) != 0) {
    throw base::IoError("cannot sync folder " + path_.string() + ": " + cause());
  }
}

File Directory::create_temporary(const std::string& name, std::string& temporary) const {
  // Another name if something that is not ours, a folder for example, stands in the way.
  for (int i = 0; i < kTemporaryNames; ++i) {
    temporary = std::string(kTemporaryPrefix) + name + "." + std::to_string(i);
    const int descriptor = open_descriptor(temporary, OpenMode::kCreateAppend);
    if (descriptor >= 0) return {*files_, path_ / temporary, descriptor};
    if (errno != EEXIST) break;
  }
  throw base::Error(base::ExitCode::kCannotCreate, "cannot create " + (path_ / temporary).string() + ": " + cause());
}

void Directory::write_atomic(const std::string& name, std::span<const std::byte> bytes) const {
  LARIMAR_FAILPOINT("store.atomic.create");
  std::string temporary;
  File file = create_temporary(name, temporary);
  try {
    LARIMAR_FAILPOINT("store.atomic.write");
    file.write(bytes);
    LARIMAR_FAILPOINT("store.atomic.sync");
    file.sync();
    LARIMAR_FAILPOINT("store.atomic.rename");
    if (uninterrupted([&] { return files_->rename(descriptor_, temporary, name); }) != 0) {
      throw base::IoError("cannot put " + (path_ / name).string() + " in place: " + cause());
    }
  } catch (...) {
    files_->remove(descriptor_, temporary);  // left for the next writer if that fails too
    throw;
  }
  LARIMAR_FAILPOINT("store.atomic.sync_folder");
  sync();
}

void Directory::remove_temporaries() const {
  for (const std::string& name : names()) {
    if (!name.starts_with(kTemporaryPrefix)) continue;
    LARIMAR_FAILPOINT("store.temporary.remove");
    // A left-over that cannot be removed, a folder for example, stops nobody.
    static_cast<void>(uninterrupted([&] { return files_->remove(descriptor_, name); }));
  }
}

}  // namespace larimar::store

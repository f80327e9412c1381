// Folders that hold other things than a memory's own files, or these in another form.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <iostream>

#include "common/base/error.h"
#include "common/store/verify.h"
#include "tests/unit/store/support.h"

namespace larimar::store {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class StrangeFolder : public testing::Test {
 protected:
  void SetUp() override { make_memory(real_file_system(), path()); }
  std::filesystem::path path() const { return text_.folder() / "memory"; }
  Folder open() const { return Folder::open_reading(real_file_system(), path()); }
  Folder open_writing() const {
    return Folder::open_writing(real_file_system(), path(), test_owner(), Recover::kRollBack);
  }
  void refresh() const {
    std::filesystem::remove_all(path());
    make_memory(real_file_system(), path());
  }

  support::TemporaryText text_;
};

TEST_F(StrangeFolder, StrayFilesOfManyKindsStopNobody) {
  const auto write = [&](const std::string& name, const std::string& bytes = "stray") {
    write_bytes(path() / name, bytes);
  };
  const auto link = [&](const std::string& name, const std::string& to) {
    std::filesystem::create_symlink(to, path() / name);
  };
  const std::vector<std::pair<std::string, std::function<void()>>> strays{
      {"empty file", [&] { write("empty", ""); }},
      {"editor backup", [&] { write("manifest.0~"); }},
      {"editor swap", [&] { write(".manifest.0.swp"); }},
      {"NFS rename", [&] { write(".nfs000000000012345600000001"); }},
      {"our temporary", [&] { write(".larimar-temporary.manifest.0.0"); }},
      {"our temporary of a key memory", [&] { write(".larimar-temporary.m0.safetensors.3"); }},
      {"our temporary as a folder",
       [&] { std::filesystem::create_directory(path() / ".larimar-temporary.manifest.1.0"); }},
      {"our temporary as a full folder",
       [&] { std::filesystem::create_directories(path() / ".larimar-temporary.manifest.0.0" / "x"); }},
      {"our temporary as a link", [&] { link(".larimar-temporary.manifest.0.0", "/dev/full"); }},
      {"another temporary", [&] { write("manifest.0.tmp1234"); }},
      {"third manifest", [&] { write("manifest.2", bytes_of_file(path() / "manifest.0")); }},
      {"manifest without number", [&] { write("manifest"); }},
      {"folder", [&] { std::filesystem::create_directories(path() / "folder" / "below"); }},
      {"folder of a log's name", [&] { std::filesystem::create_directory(path() / "log.1000"); }},
      {"log without digits", [&] { write("log.", "x"); }},
      {"log above the last", [&] { write("log.256", "x"); }},
      {"log with a sign", [&] { write("log.-01", "x"); }},
      {"log with capitals", [&] { write("LOG.000", "x"); }},
      {"torn log that was never committed", [&] { write("log.200", "LARIM"); }},
      {"zeros in place of a log that was never committed", [&] { write("log.201", std::string(4096, '\0')); }},
      {"link to nowhere", [&] { link("dangling", "/nowhere"); }},
      {"link to itself", [&] { link("loop", "loop"); }},
      {"pipe", [&] { ASSERT_EQ(::mkfifo((path() / "pipe").c_str(), 0600), 0); }},
      {"file nobody may read", [&] { write("secret"), ::chmod((path() / "secret").c_str(), 0); }},
      {"long name", [&] { write(std::string(255, 'n')); }},
      {"name that is not UTF-8", [&] { write("\xff\xfe"); }},
      {"name with a line end", [&] { write("two\nlines"); }},
      {"large sparse file", [&] { write("sparse"), std::filesystem::resize_file(path() / "sparse", 1ULL << 40); }},
      {"hard link to our log", [&] { std::filesystem::create_hard_link(path() / "log.000", path() / "copy"); }},
      {"text in the lock", [&] { write("lock", "left by hand"); }},
  };
  ASSERT_GE(strays.size(), 20U);
  for (const auto& [kind, put] : strays) {
    refresh();
    put();
    EXPECT_THAT(read_all(open().read_log(0)), testing::SizeIs(4)) << kind;
    EXPECT_TRUE(verify(real_file_system(), path()).damages.empty()) << kind;
    Folder folder = open_writing();
    folder.commit(folder.manifest());
    EXPECT_EQ(open().manifest().generation, 3U) << kind;
  }
  std::cout << strays.size() << " kinds of stray files\n";
}

TEST_F(StrangeFolder, LeftOverTemporariesAreRemovedByTheWriterOnly) {
  const auto left = path() / ".larimar-temporary.manifest.0.0";
  write_bytes(left, "x");
  open();
  EXPECT_TRUE(std::filesystem::exists(left));
  open_writing();
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(StrangeFolder, OurNamesAsLinksFoldersPipesOrSocketsAreRefused) {
  for (const std::string name : {"manifest.0", "manifest.1", "log.000", "log.001"}) {
    const std::vector<std::pair<std::string, std::function<void(const std::filesystem::path&)>>> forms{
        {"link", [&](const auto& file) { std::filesystem::create_symlink(text_.folder() / "kept", file); }},
        {"link with ..", [&](const auto& file) { std::filesystem::create_symlink("../kept", file); }},
        {"folder", [](const auto& file) { std::filesystem::create_directory(file); }},
        {"pipe", [](const auto& file) { ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0); }},
        {"device", [](const auto& file) { std::filesystem::create_symlink("/dev/zero", file); }},
        {"socket",
         [](const auto& file) {
           const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
           sockaddr_un address{};
           address.sun_family = AF_UNIX;
           file.string().copy(address.sun_path, sizeof address.sun_path - 1);
           ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
           ::close(descriptor);
         }},
    };
    for (const auto& [form, put] : forms) {
      refresh();
      std::filesystem::rename(path() / name, text_.folder() / "kept");
      put(path() / name);
      EXPECT_THAT(
          [&] {
            const Folder folder = open();
            read_all(folder.read_log(0));
            read_all(folder.read_log(1));
          },
          ThrowsMessage<base::Error>(HasSubstr(name)))
          << name << " as " << form;
      EXPECT_FALSE(verify(real_file_system(), path()).damages.empty()) << name << " as " << form;
    }
  }
}

TEST_F(StrangeFolder, TheFolderItselfMayBeALinkOrBeNamedWithDots) {
  std::filesystem::create_symlink("memory", text_.folder() / "link");
  EXPECT_EQ(Folder::open_reading(real_file_system(), text_.folder() / "link").manifest().generation, 2U);
  EXPECT_EQ(Folder::open_reading(real_file_system(), path() / ".." / "memory" / "").manifest().generation, 2U);
}

TEST_F(StrangeFolder, ANewerFormatIsRefusedInAClearSentence) {
  const auto make_newer = [&](const std::string& name, std::size_t version_at, std::size_t checked) {
    std::string bytes = bytes_of_file(path() / name);
    bytes[version_at] = 2;
    const std::uint64_t check = hash64(std::as_bytes(std::span(bytes.data(), checked)));
    bytes.replace(checked, 8, reinterpret_cast<const char*>(&check), 8);
    write_bytes(path() / name, bytes);
  };
  make_newer("log.000", 8, 56);
  EXPECT_THAT([&] { read_all(open().read_log(0, OnDamage::kSalvage)); },
              ThrowsMessage<base::FormatError>(HasSubstr("newer Larimar-MPI (format 2, this program reads up to 1)")));
  refresh();
  make_newer("manifest.0", 8, 56);
  EXPECT_THAT([&] { open(); },
              ThrowsMessage<base::FormatError>(HasSubstr("newer Larimar-MPI (format 2, this program reads up to 1)")));
  EXPECT_THAT([&] { Folder::open_reading(real_file_system(), path(), OnDamage::kSalvage); },
              ThrowsMessage<base::FormatError>(HasSubstr("newer")));
  EXPECT_THAT([&] { open_writing(); }, ThrowsMessage<base::FormatError>(HasSubstr("newer")));
}

TEST_F(StrangeFolder, AManifestThatContradictsItselfIsRefused) {
  const auto refused = [&](const std::string& why, const std::function<void(Manifest&)>& change) {
    Manifest manifest = open().manifest();
    change(manifest);
    EXPECT_THAT([&] { static_cast<void>(to_bytes(manifest)); }, ThrowsMessage<base::ConfigError>(HasSubstr(why)));
  };
  refused("code size", [](Manifest& manifest) { manifest.code_size = 0; });
  refused("key size", [](Manifest& manifest) { manifest.key_size = kMaxVectorSize + 1; });
  refused("state", [](Manifest& manifest) { manifest.state = static_cast<MemoryState>(9); });
  refused("out of order", [](Manifest& manifest) { manifest.logs[1].shard = 0; });
  refused("cannot be", [](Manifest& manifest) { manifest.logs[1].shard = 256; });
  refused("cannot end", [](Manifest& manifest) { manifest.logs[1].bytes += 1; });
  refused("more records", [](Manifest& manifest) { manifest.logs[1].records = 1ULL << 60; });
  refused("above next_block", [](Manifest& manifest) {
    manifest.documents = {{.path = "a", .bytes = 1, .content = {}, .first_block = 1, .blocks = ~0ULL}};
  });
  refused("shares blocks", [](Manifest& manifest) {
    manifest.documents = {{.path = "a", .bytes = 1, .content = {}, .first_block = 0, .blocks = 2},
                          {.path = "b", .bytes = 1, .content = {}, .first_block = 1, .blocks = 1}};
  });
}

TEST_F(StrangeFolder, AReadOnlyFolderIsReadButNotWritten) {
  if (::geteuid() == 0) {
    // Nothing is read-only for root; a name that cannot be a folder stands for it.
    EXPECT_THAT([&] { Folder::create(real_file_system(), path() / "log.000" / "x", small_manifest(), test_owner()); },
                ThrowsMessage<base::Error>(HasSubstr("cannot make folder")));
    EXPECT_THAT([&] { Folder::create(real_file_system(), "/proc/none", small_manifest(), test_owner()); },
                ThrowsMessage<base::Error>(HasSubstr("cannot make folder /proc/none")));
    return;
  }
  std::filesystem::remove(path() / "lock");
  ::chmod(path().c_str(), 0555);
  EXPECT_EQ(open().manifest().generation, 2U);
  EXPECT_THROW(open_writing(), base::Error);
  ::chmod(path().c_str(), 0755);
}

}  // namespace
}  // namespace larimar::store

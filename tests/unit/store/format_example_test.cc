// The hexadecimal example of docs/format.md is what the program writes today.
#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>

#include "common/store/log_format.h"
#include "tests/unit/store/support.h"

namespace larimar::store {
namespace {

std::string hex_dump(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 16) {
    char offset[32];
    std::snprintf(offset, sizeof offset, "%04zx ", i);
    text += offset;
    for (std::size_t j = i; j < i + 16; ++j) {
      char two[8];
      std::snprintf(two, sizeof two, "%s%02x", j % 4 == 0 ? " " : "", static_cast<unsigned char>(bytes[j]));
      text += two;
    }
    text += "\n";
  }
  return text;
}

TEST(FormatExample, DocumentShowsWhatIsWritten) {
  const char* root = std::getenv("LARIMAR_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run this test with ctest";
  const support::TemporaryText text;
  const LogIdentity identity{
      .folder = {.high = 0x1122334455667788, .low = 0x99AABBCCDDEEFF00}, .shard = 7, .code_size = 3, .key_size = 2};
  const std::vector<SegmentEntry> segments{{.id = 1000, .begin = 1000, .end = 1045, .line = 12}};
  const std::vector<float> codes{1.0F, -2.0F, 0.5F};
  const std::vector<float> keys{0.25F, 3.0F};
  const std::vector<std::uint32_t> owners{0};
  const Directory folder = Directory::open(real_file_system(), text.folder());
  LogWriter log(folder, identity, LogState{.shard = 7});
  log.append(SegmentsRecord{.block = 263,
                            .document = 2,
                            .begin = 990,
                            .end = 1050,
                            .line = 12,
                            .tokens = 9,
                            .masked_bytes = 0,
                            .segments = segments,
                            .codes = codes,
                            .keys = keys,
                            .key_owner = owners});
  const std::string dump = hex_dump(bytes_of_file(text.folder() / "log.007"));
  const std::string document = bytes_of_file(std::filesystem::path(root) / "docs" / "format.md");
  EXPECT_THAT(document, testing::HasSubstr("```text\n" + dump + "```\n")) << "the example must read:\n" << dump;
}

}  // namespace
}  // namespace larimar::store

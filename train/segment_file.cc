#include "train/segment_file.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/base/checked.h"
#include "common/base/clock.h"
#include "common/text/text_stream.h"
#include "common/text/unicode.h"

namespace larimar::train {
namespace {

using base::FormatError;
constexpr char kMagic[8] = {'L', 'R', 'M', 'S', 'E', 'G', '0', '1'};
constexpr std::size_t kHeader = 24;

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

}  // namespace

SegmentFile::SegmentFile(const std::filesystem::path& path) : file_(path) {
  const auto bytes = file_.bytes();
  const std::string name = path.string();
  if (bytes.size() < kHeader || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    throw FormatError(name + " is not a segment file of this version: remove it and it is made again");
  }
  std::uint64_t segments = 0, tokens = 0;
  std::memcpy(&segments, bytes.data() + 8, 8);
  std::memcpy(&tokens, bytes.data() + 16, 8);
  const std::uint64_t begin_bytes =
      base::checked_multiply(base::checked_add(segments, std::uint64_t{1}, name), std::uint64_t{8}, name);
  const std::uint64_t id_bytes = base::checked_multiply(tokens, std::uint64_t{2}, name);
  if (base::checked_add(base::checked_add(begin_bytes, id_bytes, name), std::uint64_t{kHeader}, name) != bytes.size()) {
    throw FormatError(name + " is cut short or too long: remove it and it is made again");
  }
  begins_ = {reinterpret_cast<const std::uint64_t*>(bytes.data() + kHeader), segments + 1};
  ids_ = {reinterpret_cast<const std::uint16_t*>(bytes.data() + kHeader + begin_bytes), tokens};
  if (!std::ranges::is_sorted(begins_) || begins_.front() != 0 || begins_.back() != tokens) {
    throw FormatError(name + " has a damaged index: remove it and it is made again");
  }
}

void make_segment_file(const std::filesystem::path& folder, const text::Tokenizer& tokenizer,
                       const text::SegmentRules& rules, const std::filesystem::path& out,
                       const std::function<void(const std::string&)>& report) {
  std::vector<std::uint64_t> begins{0};
  std::vector<std::uint16_t> ids;
  for (const auto& path : text::list_text_files(folder)) {
    const base::Stopwatch watch;
    const std::string text = text::repair_utf8(text::TextStream(path).read_rest()).text;
    for (const std::string_view block : text::cut_blocks(text)) {
      for (const auto& segment : text::cut_segments(block, tokenizer, rules)) {
        for (const auto id : segment.tokens) ids.push_back(base::checked_cast<std::uint16_t>(id, "a token id"));
        begins.push_back(ids.size());
      }
    }
    report(path.filename().string() + ": " + std::to_string(begins.size() - 1) + " segments, " +
           std::to_string(ids.size()) + " tokens so far, " + std::to_string(static_cast<int>(watch.seconds())) + " s");
  }
  base::AtomicFile file(out);
  const std::vector<std::uint64_t> counts{begins.size() - 1, ids.size()};
  file.write(std::string_view(kMagic, sizeof kMagic));
  file.write(bytes_of(counts));
  file.write(bytes_of(begins));
  file.write(bytes_of(ids));
  file.commit();
}

}  // namespace larimar::train

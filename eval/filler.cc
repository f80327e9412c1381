#include "eval/filler.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

#include "common/base/error.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

/// Reads one document: lines up to a blank one. Empty at the end of the stream.
std::string read_block(text::TextStream& stream) {
  std::string block;
  std::string line;
  while (stream.read_line(line)) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) {
      block.append(line).push_back('\n');
    } else if (!block.empty()) {
      break;
    }
  }
  return block;
}

std::string read_documents(text::TextStream& stream) {
  std::string text;
  while (text.size() < kFillerFileBytes) {
    const std::string block = read_block(stream);
    if (block.empty()) break;
    if (!text.empty()) text.push_back('\n');
    text += block;
  }
  return text;
}

std::string topic_of(const fs::path& source) {
  const std::string name = source.filename().string();
  return name.substr(0, name.find('.'));
}

}  // namespace

FillerFiles::FillerFiles(const fs::path& source, fs::path target) : target_(std::move(target)) {
  for (const fs::path& path : text::list_text_files(source)) sources_.emplace_back(path);
}

std::optional<Document> FillerFiles::next() {
  while (!sources_.empty()) {
    turn_ %= sources_.size();
    text::TextStream& source = sources_[turn_];
    const std::string text = read_documents(source);
    if (text.empty()) {
      sources_.erase(sources_.begin() + static_cast<std::ptrdiff_t>(turn_));
      continue;
    }
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "%06llu", static_cast<unsigned long long>(written_));
    const fs::path path = target_ / (std::string(number.data()) + "_" + topic_of(source.path()) + ".txt");
    write_if_changed(path, text);
    ++written_;
    ++turn_;
    return Document{path, text.size()};
  }
  return std::nullopt;
}

}  // namespace larimar::eval

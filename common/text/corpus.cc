#include "common/text/corpus.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "common/base/error.h"
#include "common/base/ids.h"

namespace larimar::text {
namespace {

using base::MissingInputError;
namespace fs = std::filesystem;
constexpr std::uint64_t kParagraphWindow = 4096;

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    std::error_code ignored;
    if (entry.is_regular_file(ignored) && !entry.path().filename().string().starts_with('.'))
      files.push_back(entry.path());
  }
  if (code) throw MissingInputError("cannot list the folder " + folder.string() + ": " + code.message());
  std::ranges::sort(files);
  return files;
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code code;
  const auto size = fs::file_size(file, code);
  if (code) throw MissingInputError("cannot read the context " + file.string() + ": " + code.message());
  if (::access(file.c_str(), R_OK) != 0) throw MissingInputError("no permission to read the context " + file.string());
  return size;
}

}  // namespace

Corpus::Corpus(std::span<const fs::path> paths) {
  if (paths.empty()) throw base::UsageError("no context: name files or folders with --context");
  for (const fs::path& path : paths) {
    std::error_code code;
    const bool folder = fs::is_directory(path, code);
    if (!folder && !fs::exists(path, code)) throw MissingInputError("the context " + path.string() + " does not exist");
    const std::size_t before = documents_.size();
    for (const fs::path& file : folder ? files_of(path) : std::vector{path}) {
      const std::uint64_t size = size_of(file);
      if (size == 0 && folder) continue;  // a stray empty file stops no job
      if (size == 0) throw MissingInputError("the context " + file.string() + " is empty");
      add(file, size);
    }
    if (documents_.size() == before)
      throw MissingInputError("the folder " + path.string() + " holds no file with text");
  }
}

void Corpus::add(const fs::path& path, std::uint64_t bytes) {
  if (documents_.size() >= base::kMaxDocuments) {
    throw base::UsageError("more than " + std::to_string(base::kMaxDocuments) + " documents; join some of them");
  }
  if (bytes >= base::kMaxDocumentBytes) throw base::UsageError(path.string() + " is larger than 1 TiB; split it");
  const auto document = static_cast<std::uint32_t>(documents_.size());
  documents_.push_back({path, bytes});
  bytes_ += bytes;
  for (std::uint64_t begin = 0; begin < bytes; begin += kBlockBytes) {
    blocks_.push_back({document, begin, std::min(begin + kBlockBytes, bytes)});
  }
}

std::uint64_t block_start(std::string_view document, std::uint64_t nominal) {
  if (nominal == 0) return 0;
  if (nominal >= document.size()) return document.size();
  // From one byte earlier, so that a line or paragraph that starts right at `nominal` counts.
  const std::string_view window = document.substr(nominal - 1, kParagraphWindow);
  if (const auto blank = window.find("\n\n"); blank != std::string_view::npos) return nominal - 1 + blank + 2;
  const auto line = document.find('\n', nominal - 1);
  return line == std::string_view::npos ? document.size() : line + 1;
}

std::uint64_t BlockStarts::find(std::uint64_t nominal) {
  if (nominal >= line_from_ && nominal + kParagraphWindow <= line_end_) return line_end_;
  const std::uint64_t start = block_start(document_, nominal);
  if (start > nominal + kParagraphWindow) {
    line_from_ = nominal;
    line_end_ = start;
  }
  return start;
}

}  // namespace larimar::text

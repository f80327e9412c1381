#include "eval/haystack.h"

#include <algorithm>
#include <numeric>
#include <system_error>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<Document> list_folder(const fs::path& folder) {
  std::error_code failure;
  fs::directory_iterator entries(folder, failure);
  if (failure) throw base::MissingInputError("cannot list the haystack " + folder.string() + ": " + failure.message());
  std::vector<Document> documents;
  for (const fs::directory_entry& entry : entries) {
    if (!entry.is_regular_file() || is_hidden(entry.path()) || entry.file_size() == 0) continue;
    documents.push_back({entry.path(), entry.file_size()});
  }
  std::sort(documents.begin(), documents.end(),
            [](const Document& a, const Document& b) { return a.path.filename() < b.path.filename(); });
  return documents;
}

}  // namespace

std::uint64_t Haystack::bytes() const {
  return std::accumulate(documents.begin(), documents.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Document& document) { return sum + document.bytes; });
}

Haystack list_haystack(const fs::path& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (!fs::exists(status)) {
    throw base::MissingInputError("haystack " + path.string() +
                                  " does not exist; give a folder of text files or one file");
  }
  Haystack haystack;
  if (fs::is_directory(status)) {
    haystack.documents = list_folder(path);
  } else if (fs::is_regular_file(status) && fs::file_size(path) > 0) {
    haystack.documents.push_back({path, fs::file_size(path)});
  }
  if (haystack.documents.empty()) {
    throw base::MissingInputError("haystack " + path.string() +
                                  " holds no text; give a folder with at least one file that is not empty");
  }
  return haystack;
}

std::uint64_t TokenCounter::count(const Document& document) {
  const auto [entry, is_new] = known_.try_emplace(document.path.string(), 0);
  if (is_new) {
    try {
      entry->second = count_text(base::MappedFile(document.path).text());
    } catch (...) {
      known_.erase(entry);
      throw;
    }
  }
  return entry->second;
}

std::uint64_t TokenCounter::count(const Haystack& haystack) {
  std::uint64_t tokens = 0;
  for (const Document& document : haystack.documents) tokens += count(document);
  return tokens;
}

std::uint64_t TokenCounter::count_text(std::string_view text) const { return tokenizer_.encode(text).size(); }

void write_if_changed(const fs::path& path, std::string_view text) {
  std::error_code failure;
  if (fs::is_regular_file(path, failure) && base::MappedFile(path).text() == text) return;
  base::make_folder(path.parent_path());
  base::write_file(path, text);
}

}  // namespace larimar::eval

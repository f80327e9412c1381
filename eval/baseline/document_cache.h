#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace larimar::eval::baseline {

/// What a file was when it was read: another size or time of change means other contents.
struct FileStamp {
  std::uint64_t bytes = 0;
  std::int64_t changed = 0;  // nanoseconds
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Throws MissingInputError naming the file if it cannot be read.
[[nodiscard]] FileStamp stamp_of(const std::filesystem::path& file);

/// What was made of each document of the last context. Most documents of a grid's contexts are the same files; the others
/// are dropped, so that memory does not grow with the number of contexts. Owns the values; not shared between threads.
template <class Value>
class DocumentCache {
 public:
  /// The values of the documents, in their order; make(path) gives one that is not there, or whose file has changed.
  /// Valid until the next call. Throws as stamp_of and whatever `make` throws.
  template <class Make>
  std::vector<const Value*> of(std::span<const std::filesystem::path> documents, const Make& make) {
    ++context_;
    std::vector<const Value*> values;
    for (const std::filesystem::path& document : documents) {
      Entry& entry = entries_[document.string()];
      const FileStamp stamp = stamp_of(document);
      if (entry.context != context_ && (!entry.value || entry.stamp != stamp)) {
        entry.value = std::make_unique<const Value>(make(document));
        entry.stamp = stamp;
        ++made_;
      }
      entry.context = context_;
      values.push_back(entry.value.get());
    }
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.context != context_; });
    return values;
  }

  [[nodiscard]] std::size_t made() const { return made_; }  // so far

 private:
  struct Entry {
    FileStamp stamp;
    std::uint64_t context = 0;
    std::unique_ptr<const Value> value;
  };
  std::unordered_map<std::string, Entry> entries_;
  std::uint64_t context_ = 0;
  std::size_t made_ = 0;
};

}  // namespace larimar::eval::baseline

#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/store/folder.h"
#include "tests/support/temporary_text.h"

namespace larimar::store {

inline constexpr std::uint32_t kCodeSize = 3;
inline constexpr std::uint32_t kKeySize = 2;

/// A block's record with the memory its spans point to. The same seed gives the same contents.
struct OwnedRecord {
  std::vector<SegmentEntry> segments;
  std::vector<float> codes, keys;
  std::vector<std::uint32_t> key_owner;
  SegmentsRecord record;

  OwnedRecord(std::uint64_t block, std::size_t n, std::uint64_t seed = 1) {
    base::Random random(seed * 1000 + block);
    record = {.block = block,
              .document = static_cast<std::uint32_t>(block / 1000),
              .begin = block * 100,
              .end = block * 100 + 100,
              .line = block + 1,
              .tokens = 7 * n,
              .masked_bytes = block % 3,
              .segments = {},
              .codes = {},
              .keys = {},
              .key_owner = {}};
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t begin = record.begin + 10 * i;
      segments.push_back({.id = begin, .begin = begin, .end = begin + 9, .line = record.line + i});
      for (std::uint32_t c = 0; c < kCodeSize; ++c) codes.push_back(static_cast<float>(random.uniform()));
      for (std::size_t key = 0; key < 1 + i % 2; ++key) {
        key_owner.push_back(static_cast<std::uint32_t>(i));
        for (std::uint32_t d = 0; d < kKeySize; ++d) keys.push_back(static_cast<float>(random.uniform()));
      }
    }
    record.segments = segments;
    record.codes = codes;
    record.keys = keys;
    record.key_owner = key_owner;
  }
  OwnedRecord(const OwnedRecord&) = delete;
  OwnedRecord& operator=(const OwnedRecord&) = delete;
};

/// All that a record says, for comparing: equal texts, equal contents.
inline std::string text_of(const Record& record) {
  std::string text;
  const auto add = [&](const auto& span) {
    text += "[" + std::to_string(span.size()) + "]";
    text.append(reinterpret_cast<const char*>(span.data()), span.size_bytes());
  };
  if (const auto* forget = std::get_if<ForgetRecord>(&record)) {
    add(forget->segments);
    return "forget" + text;
  }
  const auto& block = std::get<SegmentsRecord>(record);
  for (const std::uint64_t value : {block.block, std::uint64_t{block.document}, block.begin, block.end, block.line,
                                    block.tokens, block.masked_bytes}) {
    text += std::to_string(value) + " ";
  }
  add(block.segments);
  add(block.codes);
  add(block.keys);
  add(block.key_owner);
  return text;
}

/// The rest of a log, one text for each record.
inline std::vector<std::string> read_all(LogReader reader) {
  std::vector<std::string> texts;
  while (const auto read = reader.next()) texts.push_back(text_of(read->record));
  return texts;
}

inline Manifest small_manifest() {
  Manifest manifest;
  manifest.code_size = kCodeSize;
  manifest.key_size = kKeySize;
  manifest.model = "compact:abc";
  manifest.keys = "minilm:def";
  manifest.key_mode = "segment";
  manifest.rules = {{"addressing", "nearest"}, {"ridge", "0.1"}};
  manifest.seed = 7;
  return manifest;
}

inline LockOwner test_owner() { return this_process("larimar test"); }

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// A complete memory: blocks 0 ... blocks-1 of one document over `shards` logs (block b in log b % 256, so blocks are
/// numbered 256 * i + shard), each log with `records` blocks of up to 3 segments, then one forget record in the first
/// log.
inline void make_memory(FileSystem& files, const std::filesystem::path& path, std::uint32_t shards = 2,
                        std::uint64_t records = 3, std::uint64_t seed = 1) {
  Manifest first = small_manifest();
  first.state = MemoryState::kIngesting;
  first.seed = seed;
  Folder folder = Folder::create(files, path, first, test_owner());
  Manifest next = folder.manifest();
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    LogWriter log = folder.write_log(shard);
    for (std::uint64_t i = 0; i < records; ++i)
      log.append(OwnedRecord(256 * i + shard, (i + shard + 1) % 4, seed).record);
    if (shard == 0) log.append(ForgetRecord{.segments = std::vector<std::uint64_t>{5, 8, 13}});
    log.sync();
    next.set_log(log.position());
  }
  next.state = MemoryState::kComplete;
  next.next_block = 256 * records;
  folder.commit(next);
}

}  // namespace larimar::store

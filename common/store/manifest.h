#pragma once
// What a memory folder holds, as plain structs. The bytes on disk: manifest.cc and docs/format.md.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/store/hash.h"

namespace larimar::store {

inline constexpr std::uint32_t kFormatVersion = 1;
/// Block b belongs to virtual shard b % kVirtualShards; each shard in use has one log.
inline constexpr std::uint32_t kVirtualShards = 256;
inline constexpr std::uint32_t kMaxVectorSize = 1U << 20;  // of codes and keys
inline constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 30;

enum class MemoryState : std::uint32_t {
  kComplete = 1,   // all that is listed is there
  kIngesting = 2,  // documents are listed, their blocks are on the way into the logs
  kChanging = 3,   // an update or forget has begun
};
[[nodiscard]] std::string_view name_of(MemoryState state);

/// Up to where a log counts. {shard, 0, 0, 0}: not made yet.
struct LogState {
  std::uint32_t shard = 0;
  std::uint64_t bytes = 0;  // with the log's header
  std::uint64_t records = 0;
  std::uint64_t chain = 0;  // hash of the last record's header, or of the log's header if there is no record
  friend bool operator==(const LogState&, const LogState&) = default;
};

struct DocumentEntry {
  std::string path;  // bytes, as it was given; never opened by this library
  std::uint64_t bytes = 0;
  Hash128 content{};  // XXH3-128 of all its bytes
  std::uint64_t first_block = 0;
  std::uint64_t blocks = 0;
  bool removed = false;
  friend bool operator==(const DocumentEntry&, const DocumentEntry&) = default;
};

struct Manifest {
  std::uint64_t generation = 0;  // 1 is the first on disk; set by Folder
  Hash128 folder{};              // who the logs belong to; set by Folder::create from the first manifest's content
  MemoryState state = MemoryState::kComplete;
  std::uint32_t code_size = 0;  // C
  std::uint32_t key_size = 0;   // D
  std::string model;            // ids of the code model and of the key model
  std::string keys;
  std::string key_mode;
  std::map<std::string, std::string> rules;
  std::uint64_t seed = 0;
  std::optional<Hash128> m0;  // of m0.safetensors
  std::vector<DocumentEntry> documents;
  std::uint64_t next_block = 0;  // first block number not given away
  std::vector<LogState> logs;    // by rising shard, only those in use

  /// The log of that shard, {shard, 0, 0, 0} if it is not in use.
  [[nodiscard]] LogState log_of(std::uint32_t shard) const;
  /// Puts it in its place in `logs`.
  void set_log(const LogState& log);
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Frame and Protobuf bytes; equal manifests give equal bytes.
/// Throws ConfigError if the manifest breaks its own rules (see check in manifest.cc) or is above kMaxManifestBytes.
[[nodiscard]] std::string to_bytes(const Manifest& manifest);

/// Throws FormatError naming `name` and the byte: damage, a newer format version, contents that contradict each other.
[[nodiscard]] Manifest manifest_from_bytes(std::span<const std::byte> bytes, const std::string& name);

/// Throws FormatError naming `name` if the frame is whole and of a newer format version.
void refuse_newer_version(std::span<const std::byte> bytes, const std::string& name);

/// The generation in a manifest's frame, if at least the frame is whole.
[[nodiscard]] std::optional<std::uint64_t> framed_generation(std::span<const std::byte> bytes);

/// Hash of what the manifest says, generation and folder left out.
[[nodiscard]] Hash128 content_hash(Manifest manifest);

}  // namespace larimar::store

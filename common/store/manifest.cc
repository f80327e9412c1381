#include "common/store/manifest.h"

// Bytes of manifest.0 and manifest.1, numbers little-endian:
//   manifest = frame payload
//   frame    = magic:8 "LARIMMAN"  version:u32  zero:u32  generation:u64  length:u64 (of payload)
//              content:16 (XXH3-128 of payload, low half first)  zero:u64  check:u64 (XXH3-64 of the 56 bytes before)
//   payload  = MemoryManifest of proto/memory.proto
// The frame keeps this form in every version, so that an old program can tell a newer memory from a damaged one.

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "common/base/checked.h"
#include "common/base/error.h"
#include "proto/memory.pb.h"

namespace larimar::store {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian and used in place");

struct Frame {
  char magic[8] = {'L', 'A', 'R', 'I', 'M', 'M', 'A', 'N'};
  std::uint32_t version = kFormatVersion;
  std::uint32_t zero = 0;
  std::uint64_t generation = 0;
  std::uint64_t length = 0;
  std::uint64_t content_low = 0;
  std::uint64_t content_high = 0;
  std::uint64_t zero2 = 0;
  std::uint64_t check = 0;
};
static_assert(sizeof(Frame) == 64);
constexpr std::size_t kChecked = offsetof(Frame, check);

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::optional<Frame> whole_frame(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(Frame)) return std::nullopt;
  Frame frame;
  std::memcpy(&frame, bytes.data(), sizeof frame);
  if (std::memcmp(frame.magic, Frame{}.magic, sizeof frame.magic) != 0) return std::nullopt;
  return frame.check == hash64(bytes.first(kChecked)) ? std::optional(frame) : std::nullopt;
}

/// What is wrong with the logs' list, empty if nothing is.
std::string fault_of_logs(const std::vector<LogState>& logs) {
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const LogState& log = logs[i];
    const std::string name = "log of virtual shard " + std::to_string(log.shard);
    if (log.shard >= kVirtualShards) return name + " cannot be: there are " + std::to_string(kVirtualShards);
    if (i > 0 && logs[i - 1].shard >= log.shard) return name + " is out of order";
    if (log.bytes < 64 || log.bytes % 64 != 0) return name + " cannot end at byte " + std::to_string(log.bytes);
    if (log.records > log.bytes / 64) return name + " has more records than room";
  }
  return {};
}

std::string fault_of_documents(const Manifest& manifest) {
  std::uint64_t first_free = 0;
  for (std::size_t i = 0; i < manifest.documents.size(); ++i) {
    const DocumentEntry& document = manifest.documents[i];
    const std::string name = "document " + std::to_string(i);
    if (document.first_block < first_free) return name + " shares blocks with the one before";
    if (document.blocks > manifest.next_block || document.first_block > manifest.next_block - document.blocks) {
      return name + " has blocks above next_block " + std::to_string(manifest.next_block);
    }
    first_free = document.first_block + document.blocks;
  }
  return {};
}

/// The rules of a manifest, empty if they hold: sizes in range, documents' blocks rising and below next_block, logs
/// rising.
std::string fault_of(const Manifest& manifest) {
  const auto state = static_cast<std::uint32_t>(manifest.state);
  if (state < 1 || state > 3) return "state " + std::to_string(state) + " is unknown";
  if (manifest.code_size == 0 || manifest.code_size > kMaxVectorSize) {
    return "code size " + std::to_string(manifest.code_size) + " is out of range";
  }
  if (manifest.key_size == 0 || manifest.key_size > kMaxVectorSize) {
    return "key size " + std::to_string(manifest.key_size) + " is out of range";
  }
  if (manifest.generation == std::numeric_limits<std::uint64_t>::max()) return "the generation is out of range";
  const std::string documents = fault_of_documents(manifest);
  return documents.empty() ? fault_of_logs(manifest.logs) : documents;
}

void put(const Hash128& hash, proto::MemoryHash& out) {
  out.set_high(hash.high);
  out.set_low(hash.low);
}

Hash128 take(const proto::MemoryHash& hash) { return {.high = hash.high(), .low = hash.low()}; }

std::string payload_of(const Manifest& manifest) {
  proto::MemoryManifest out;
  put(manifest.folder, *out.mutable_folder());
  out.set_state(static_cast<std::uint32_t>(manifest.state));
  out.set_code_size(manifest.code_size);
  out.set_key_size(manifest.key_size);
  out.set_model(manifest.model);
  out.set_keys(manifest.keys);
  out.set_key_mode(manifest.key_mode);
  for (const auto& [name, value] : manifest.rules) {
    proto::MemoryRule& rule = *out.add_rules();
    rule.set_name(name);
    rule.set_value(value);
  }
  out.set_seed(manifest.seed);
  if (manifest.m0) put(*manifest.m0, *out.mutable_m0());
  for (const DocumentEntry& document : manifest.documents) {
    proto::MemoryDocument& entry = *out.add_documents();
    entry.set_path(document.path);
    entry.set_bytes(document.bytes);
    put(document.content, *entry.mutable_content());
    entry.set_first_block(document.first_block);
    entry.set_blocks(document.blocks);
    entry.set_removed(document.removed);
  }
  out.set_next_block(manifest.next_block);
  for (const LogState& log : manifest.logs) {
    proto::MemoryLog& entry = *out.add_logs();
    entry.set_shard(log.shard);
    entry.set_bytes(log.bytes);
    entry.set_records(log.records);
    entry.set_chain(log.chain);
  }
  return out.SerializeAsString();
}

Manifest manifest_of(const proto::MemoryManifest& in) {
  Manifest manifest;
  manifest.folder = take(in.folder());
  manifest.state = static_cast<MemoryState>(in.state());
  manifest.code_size = in.code_size();
  manifest.key_size = in.key_size();
  manifest.model = in.model();
  manifest.keys = in.keys();
  manifest.key_mode = in.key_mode();
  for (const auto& rule : in.rules()) manifest.rules.emplace(rule.name(), rule.value());
  manifest.seed = in.seed();
  if (in.has_m0()) manifest.m0 = take(in.m0());
  for (const auto& entry : in.documents()) {
    manifest.documents.push_back({.path = entry.path(),
                                  .bytes = entry.bytes(),
                                  .content = take(entry.content()),
                                  .first_block = entry.first_block(),
                                  .blocks = entry.blocks(),
                                  .removed = entry.removed()});
  }
  manifest.next_block = in.next_block();
  for (const auto& entry : in.logs()) {
    manifest.logs.push_back(
        {.shard = entry.shard(), .bytes = entry.bytes(), .records = entry.records(), .chain = entry.chain()});
  }
  return manifest;
}

}  // namespace

std::string_view name_of(MemoryState state) {
  switch (state) {
    case MemoryState::kComplete:
      return "complete";
    case MemoryState::kIngesting:
      return "ingesting";
    case MemoryState::kChanging:
      return "changing";
  }
  return "unknown";
}

LogState Manifest::log_of(std::uint32_t shard) const {
  const auto at = std::find_if(logs.begin(), logs.end(), [&](const LogState& entry) { return entry.shard == shard; });
  return at == logs.end() ? LogState{.shard = shard} : *at;
}

void Manifest::set_log(const LogState& log) {
  const auto at = std::lower_bound(logs.begin(), logs.end(), log.shard,
                                   [](const LogState& entry, std::uint32_t shard) { return entry.shard < shard; });
  if (at != logs.end() && at->shard == log.shard) {
    *at = log;
  } else {
    logs.insert(at, log);
  }
}

std::string to_bytes(const Manifest& manifest) {
  const std::string fault = fault_of(manifest);
  if (!fault.empty()) throw base::ConfigError("this manifest cannot be written: " + fault);
  const std::string payload = payload_of(manifest);
  if (payload.size() > kMaxManifestBytes) {
    throw base::ConfigError("the list of documents is too long for one memory (" + std::to_string(payload.size()) +
                            " bytes); make several memories");
  }
  Frame frame;
  frame.generation = manifest.generation;
  frame.length = payload.size();
  const Hash128 content = hash128(bytes_of(payload));
  frame.content_low = content.low;
  frame.content_high = content.high;
  frame.check = hash64(std::as_bytes(std::span(&frame, 1)).first(kChecked));
  std::string bytes(sizeof frame, '\0');
  std::memcpy(bytes.data(), &frame, sizeof frame);
  return bytes + payload;
}

std::optional<std::uint64_t> framed_generation(std::span<const std::byte> bytes) {
  const std::optional<Frame> frame = whole_frame(bytes);
  return frame ? std::optional(frame->generation) : std::nullopt;
}

void refuse_newer_version(std::span<const std::byte> bytes, const std::string& name) {
  const std::optional<Frame> frame = whole_frame(bytes);
  if (frame && frame->version > kFormatVersion) {
    throw base::FormatError(name + " was written by a newer Larimar-MPI (format " + std::to_string(frame->version) +
                            ", this program reads up to " + std::to_string(kFormatVersion) + "); use that version");
  }
}

Manifest manifest_from_bytes(std::span<const std::byte> bytes, const std::string& name) {
  const std::optional<Frame> frame = whole_frame(bytes);
  if (!frame) throw base::FormatError(name + " is damaged: its first 64 bytes are no whole frame of a manifest");
  refuse_newer_version(bytes, name);
  if (frame->version == 0) throw base::FormatError(name + " has format version 0, which never was");
  const std::span<const std::byte> payload = bytes.subspan(sizeof(Frame));
  if (frame->length != payload.size()) {
    throw base::FormatError(name + " is damaged: " + std::to_string(payload.size()) + " bytes follow its frame, " +
                            std::to_string(frame->length) + " are announced at byte 24");
  }
  if (hash128(payload) != Hash128{.high = frame->content_high, .low = frame->content_low}) {
    throw base::FormatError(name + " is damaged: its contents from byte 64 on do not have the checksum at byte 32");
  }
  proto::MemoryManifest message;
  const bool parsed =
      payload.size() <= kMaxManifestBytes && message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
  if (!parsed) throw base::FormatError(name + " is damaged: its contents from byte 64 on cannot be read");
  Manifest manifest = manifest_of(message);
  manifest.generation = frame->generation;
  const std::string fault = fault_of(manifest);
  if (!fault.empty()) throw base::FormatError(name + " contradicts itself: " + fault);
  return manifest;
}

Hash128 content_hash(Manifest manifest) {
  manifest.folder = {};
  return hash128(bytes_of(payload_of(manifest)));
}

}  // namespace larimar::store

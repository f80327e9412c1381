#include "common/store/verify.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "common/base/error.h"
#include "common/store/generations.h"

namespace larimar::store {
namespace {

struct Place {
  std::uint32_t document = 0;
  std::uint64_t begin = 0, end = 0;
  bool whole = false;  // false: only its place is known, from the header of a damaged record
};
using Places = std::map<std::uint64_t, Place>;  // by block

/// The complete manifest that counts, what speaks against it put into the report.
Manifest choose_manifest(const Directory& folder, VerifyReport& report) {
  const Generations generations = read_generations(folder);
  if (!generations.any_there())
    throw base::FormatError(folder.path().string() + " is not a memory: it has no manifest");
  const Manifest* counts = generations.newest_complete();
  if (counts == nullptr) counts = generations.newest();
  const std::string doubt = generations.doubt(folder.path());
  if (counts == nullptr) throw base::FormatError(doubt);
  for (std::uint64_t i = 0; i < 2; ++i) {
    const Generation& found = generations.found[i];
    if (found.fault.empty()) continue;
    report.damages.push_back({.file = folder.path() / manifest_name(i), .records = 0, .what = found.fault});
  }
  if (!doubt.empty() && report.damages.empty()) {
    report.damages.push_back(
        {.file = folder.path() / manifest_name(counts->generation + 1), .records = 0, .what = doubt});
  }
  if (counts->state != MemoryState::kComplete) {
    report.notes.push_back("the memory is unfinished (" + std::string(name_of(counts->state)) + ")");
  } else if (counts->generation != generations.newest()->generation) {
    report.notes.push_back("a job has begun to change the memory (" +
                           std::string(name_of(generations.newest()->state)) +
                           "); what was complete before is checked");
  }
  return *counts;
}

void check_log(const Directory& folder, const LogState& state, VerifyReport& report, Places& places) {
  const Manifest& manifest = report.manifest;
  const LogIdentity identity{
      .folder = manifest.folder, .shard = state.shard, .code_size = manifest.code_size, .key_size = manifest.key_size};
  LogReader reader(folder, identity, state, OnDamage::kSalvage);
  while (const auto read = reader.next()) {
    ++report.records;
    const auto* block = std::get_if<SegmentsRecord>(&read->record);
    if (block == nullptr) continue;
    report.segments += block->segments.size();
    places[block->block] = {.document = block->document, .begin = block->begin, .end = block->end, .whole = true};
  }
  for (const Damage& damage : reader.damages()) {
    report.damages.push_back(damage);
    if (damage.block && damage.document && !places.contains(*damage.block)) {
      places[*damage.block] = {.document = *damage.document, .begin = damage.begin, .end = damage.end, .whole = false};
    }
  }
  report.bytes += state.bytes;
  if (reader.tail_bytes() != 0) {
    report.notes.push_back((folder.path() / log_name(state.shard)).string() + " has " +
                           std::to_string(reader.tail_bytes()) +
                           " bytes beyond what is committed: of a job that is under way or did not come to its end");
  }
}

/// Where a lost block must have been: between its neighbours that are known.
Place place_of_lost(const DocumentEntry& document, std::uint32_t number, std::uint64_t block, const Places& places) {
  Place lost{.document = number, .begin = 0, .end = document.bytes};
  const auto next = places.upper_bound(block);
  if (next != places.end() && next->first < document.first_block + document.blocks) lost.end = next->second.begin;
  if (next != places.begin() && std::prev(next)->first >= document.first_block)
    lost.begin = std::prev(next)->second.end;
  return lost;
}

/// Names a block that is in no record: beside a damage of its log that does not know what it held, or as one of its
/// own.
void add_lost(const Directory& folder, std::uint64_t block, const Place& place, std::vector<Damage>& damages) {
  const auto file = folder.path() / log_name(static_cast<std::uint32_t>(block % kVirtualShards));
  const auto cause =
      std::find_if(damages.begin(), damages.end(), [&](const Damage& d) { return d.file == file && !d.block; });
  Damage lost{.file = file, .records = 0, .what = "no record holds this block, which the manifest lists"};
  if (cause != damages.end()) lost = *cause;
  lost.block = block;
  lost.document = place.document;
  lost.begin = place.begin;
  lost.end = place.end;
  damages.push_back(std::move(lost));
}

void find_lost_blocks(const Directory& folder, VerifyReport& report, const Places& places) {
  std::vector<Damage> named = report.damages;
  for (std::size_t i = 0; i < report.manifest.documents.size(); ++i) {
    const DocumentEntry& document = report.manifest.documents[i];
    if (document.removed) continue;
    for (std::uint64_t block = document.first_block; block < document.first_block + document.blocks; ++block) {
      if (places.contains(block)) continue;
      add_lost(folder, block, place_of_lost(document, static_cast<std::uint32_t>(i), block, places), named);
    }
  }
  // A cause that is now named with its blocks need not be named without them.
  const auto named_with_block = [&](const Damage& damage) {
    return !damage.block && std::any_of(named.begin(), named.end(), [&](const Damage& other) {
      return other.block && other.file == damage.file && other.offset == damage.offset && other.what == damage.what;
    });
  };
  report.damages.clear();
  std::remove_copy_if(named.begin(), named.end(), std::back_inserter(report.damages), named_with_block);
}

void check_key_memory(const Directory& folder, VerifyReport& report) {
  if (!report.manifest.m0) return;
  const std::string name(kKeyMemoryName);
  const std::optional<Mapping> mapping = folder.map_if_there(name);
  Damage damage{.file = folder.path() / name, .records = 0};
  if (!mapping) damage.what = "it is not there, the manifest lists it";
  if (mapping && hash128(mapping->bytes()) != *report.manifest.m0)
    damage.what = "its bytes are not those that the manifest lists";
  if (!damage.what.empty()) report.damages.push_back(std::move(damage));
  if (mapping) report.bytes += mapping->bytes().size();
}

}  // namespace

VerifyReport verify(FileSystem& files, const std::filesystem::path& path) {
  const Directory folder = Directory::open(files, path);
  VerifyReport report;
  report.manifest = choose_manifest(folder, report);
  Places places;
  for (const LogState& state : report.manifest.logs) check_log(folder, state, report, places);
  if (report.manifest.state == MemoryState::kComplete) find_lost_blocks(folder, report, places);
  check_key_memory(folder, report);
  for (Damage& damage : report.damages) {
    if (damage.document && *damage.document < report.manifest.documents.size()) {
      damage.document_path = report.manifest.documents[*damage.document].path;
    }
  }
  return report;
}

}  // namespace larimar::store

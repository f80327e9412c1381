// larimar verify, salvage, reshard, export, show-segment and info --memory: looking after a memory folder, without MPI.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/process.h"
#include "common/model/safetensors.h"
#include "common/store/verify.h"
#include "coordinator/answers.h"
#include "launch/commands.h"
#include "launch/ingest_plan.h"
#include "launch/memory_folder.h"
#include "shard/log_writers.h"
#include "shard/stored_segments.h"

namespace larimar::launch {
namespace {

using nlohmann::ordered_json;

store::FileSystem& files() { return store::real_file_system(); }

/// A document's part as words; rows of a codes file stand where bytes of a text do.
std::string place_text(const store::Manifest& manifest, const store::Damage& damage) {
  if (!damage.document) return "";
  const bool known = *damage.document < manifest.documents.size();
  return (known ? manifest.documents[*damage.document].path : "document " + std::to_string(*damage.document)) +
         " bytes " + std::to_string(damage.begin) + " to " + std::to_string(damage.end);
}

ordered_json damage_json(const store::Manifest& manifest, const store::Damage& damage) {
  ordered_json line = {{"file", damage.file.string()}, {"offset", damage.offset},   {"bytes", damage.bytes},
                       {"record", damage.record},      {"records", damage.records}, {"what", damage.what}};
  if (damage.block) line["block"] = *damage.block;
  if (damage.document) {
    line["document"] = *damage.document < manifest.documents.size() ? manifest.documents[*damage.document].path : "";
    line["begin"] = damage.begin;
    line["end"] = damage.end;
  }
  return line;
}

/// A block whose record is gone: an empty one takes its place, so that the rest of the memory is sound.
store::SegmentsRecord empty_record(const store::Damage& lost) {
  store::SegmentsRecord record;
  record.block = lost.block.value_or(0);
  record.document = lost.document.value_or(0);
  record.begin = lost.begin;
  record.end = lost.end;
  record.line = 1;
  return record;
}

using LostBlocks = std::map<std::uint64_t, store::Damage>;

/// Records of whole blocks and of lost ones, so that blocks rise within each log.
void copy_records(const shard::StoredSegments& segments, LostBlocks lost, shard::LogWriters& logs) {
  const auto append_lost_below = [&](std::uint64_t block) {
    for (auto next = lost.begin(); next != lost.end() && next->first < block;) {
      const bool same_log = next->first % store::kVirtualShards == block % store::kVirtualShards;
      if (same_log) logs.append(empty_record(next->second));
      next = same_log ? lost.erase(next) : std::next(next);
    }
  };
  segments.visit([&](const store::SegmentsRecord& record) {
    append_lost_below(record.block);
    logs.append(record);
  });
  for (const auto& [block, damage] : lost) logs.append(empty_record(damage));
}

/// Everything that can be read, into a new folder: the same blocks in the same logs, without what was forgotten.
void copy_live(const store::Folder& from, const shard::StoredSegments& segments, const LostBlocks& lost,
               const std::filesystem::path& to) {
  const store::Manifest& old = from.manifest();
  store::Manifest first = old;
  first.logs.clear();
  first.state = store::MemoryState::kIngesting;
  store::Folder folder = store::Folder::create(files(), to, first, store::this_process(base::process_command()));
  if (old.m0) {
    const base::MappedFile m0(from.directory().path() / store::kKeyMemoryName);
    folder.directory().write_atomic(std::string(store::kKeyMemoryName), m0.bytes());
  }
  shard::LogWriters logs(folder, base::ShardId{0}, 1);
  copy_records(segments, lost, logs);
  logs.sync();
  store::Manifest last = first;
  last.state = store::MemoryState::kComplete;
  for (const store::LogState& state : logs.states()) last.set_log(state);
  folder.commit(last);
}

/// Blocks of a memory whose records cannot be read, with the part of the document that they held.
LostBlocks lost_blocks(const store::VerifyReport& report) {
  LostBlocks lost;
  for (const store::Damage& damage : report.damages) {
    if (damage.block && damage.document) lost.emplace(*damage.block, damage);
  }
  return lost;
}

shard::StoredSegments read_all(const store::Folder& folder, store::OnDamage on_damage) {
  return {folder, shard::logs_of_shard(folder.manifest(), base::ShardId{0}, 1), on_damage};
}

ordered_json manifest_json(const store::Folder& folder) {
  const store::Manifest& manifest = folder.manifest();
  ordered_json documents = ordered_json::array();
  for (const store::DocumentEntry& document : manifest.documents)
    documents.push_back({{"path", document.path}, {"bytes", document.bytes}, {"removed", document.removed}});
  return {{"generation", manifest.generation},
          {"state", store::name_of(manifest.state)},
          {"code_size", manifest.code_size},
          {"key_size", manifest.key_size},
          {"model", manifest.model},
          {"keys", manifest.keys},
          {"key_mode", manifest.key_mode},
          {"rules", manifest.rules},
          {"seed", manifest.seed},
          {"logs", manifest.logs.size()},
          {"blocks", manifest.next_block},
          {"documents", documents}};
}

std::string dump(const ordered_json& json) { return json.dump(2, ' ', false, ordered_json::error_handler_t::replace); }

}  // namespace

int verify_command(const CareCommand& command) {
  const store::VerifyReport report = store::verify(files(), command.memory);
  const bool sound = report.damages.empty();
  if (command.json) {
    ordered_json damages = ordered_json::array();
    for (const store::Damage& damage : report.damages) damages.push_back(damage_json(report.manifest, damage));
    std::cout << dump({{"sound", sound},
                       {"bytes", report.bytes},
                       {"records", report.records},
                       {"segments", report.segments},
                       {"notes", report.notes},
                       {"damages", damages}})
              << std::endl;
  } else {
    for (const std::string& note : report.notes) std::cout << "note: " << note << '\n';
    for (const store::Damage& damage : report.damages) {
      const std::string place = place_text(report.manifest, damage);
      std::cout << "damaged: " << damage.text() << (place.empty() ? "" : " (" + place + ")") << '\n';
    }
    std::cout << command.memory.string() << ": " << (sound ? "sound" : "damaged") << ", " << report.bytes << " bytes, "
              << report.records << " records, " << report.segments << " segments checked" << std::endl;
  }
  return static_cast<int>(sound ? base::ExitCode::kOk : base::ExitCode::kBadInput);
}

int salvage_command(const CareCommand& command) {
  const store::VerifyReport report = store::verify(files(), command.memory);
  const store::Folder from = store::Folder::open_reading(files(), command.memory, store::OnDamage::kSalvage);
  const shard::StoredSegments segments = read_all(from, store::OnDamage::kSalvage);
  copy_live(from, segments, lost_blocks(report), command.out);
  for (const store::Damage& damage : report.damages) {
    const std::string place = place_text(report.manifest, damage);
    std::cout << "lost: " << (place.empty() ? damage.text() : place) << '\n';
  }
  std::cout << command.out.string() << ": " << segments.totals().segments << " segments saved" << std::endl;
  return static_cast<int>(report.damages.empty() ? base::ExitCode::kOk : base::ExitCode::kDegraded);
}

int reshard_command(const CareCommand& command) {
  const store::Folder from = store::Folder::open_reading(files(), command.memory);
  const shard::StoredSegments segments = read_all(from, store::OnDamage::kThrow);
  copy_live(from, segments, {}, command.out);
  std::cout << command.out.string() << ": " << segments.totals().segments << " segments written anew, "
            << segments.totals().forgotten
            << " forgotten ones left out; any number of ranks reads it, as it did the old one" << std::endl;
  return 0;
}

int export_command(const CareCommand& command) {
  const store::Folder folder = store::Folder::open_reading(files(), command.memory);
  const shard::StoredSegments segments = read_all(folder, store::OnDamage::kThrow);
  std::vector<float> codes, keys;
  std::vector<std::int64_t> ids, owner;
  segments.visit([&](const store::SegmentsRecord& record) {
    for (const std::uint32_t position : record.key_owner)
      owner.push_back(static_cast<std::int64_t>(ids.size() + position));
    for (const store::SegmentEntry& entry : record.segments) ids.push_back(static_cast<std::int64_t>(entry.id));
    codes.insert(codes.end(), record.codes.begin(), record.codes.end());
    keys.insert(keys.end(), record.keys.begin(), record.keys.end());
  });
  const std::uint64_t rows = ids.size(), key_rows = owner.size();
  model::write_safetensors(command.out,
                           {{"z", {"F32", {rows, folder.manifest().code_size}, std::as_bytes(std::span(codes))}},
                            {"keys", {"F32", {key_rows, folder.manifest().key_size}, std::as_bytes(std::span(keys))}},
                            {"key_owner", {"I64", {key_rows}, std::as_bytes(std::span(owner))}},
                            {"ids", {"I64", {rows}, std::as_bytes(std::span(ids))}}},
                           {});
  std::cout << command.out.string() << ": " << rows << " segments, " << key_rows << " keys" << std::endl;
  return 0;
}

int show_segment_command(const CareCommand& command) {
  const store::Folder folder = store::Folder::open_reading(files(), command.memory);
  const shard::StoredSegments segments = read_all(folder, store::OnDamage::kThrow);
  const auto found = segments.find(base::SegmentId{command.id});
  if (!found)
    throw base::Error(base::ExitCode::kDegraded, "no segment " + std::to_string(command.id) + " in this memory");
  const store::SegmentsRecord& record = *found->record;
  const store::SegmentEntry& entry = record.segments[found->segment];
  const std::string path = folder.manifest().documents[record.document].path;
  const std::size_t size = folder.manifest().code_size;
  double norm = 0;
  for (const float value : record.codes.subspan(found->segment * size, size))
    norm += static_cast<double>(value) * static_cast<double>(value);
  const auto keys = std::ranges::count(record.key_owner, found->segment);
  std::cout << dump({{"segment", entry.id},
                     {"document", path},
                     {"byte_begin", entry.begin},
                     {"byte_end", entry.end},
                     {"line", entry.line},
                     {"block", record.block},
                     {"log", store::log_name(found->log)},
                     {"code_norm", std::sqrt(norm)},
                     {"keys", keys},
                     {"excerpt", coordinator::read_excerpt(path, entry.begin, entry.end)}})
            << std::endl;
  return 0;
}

int memory_info_command(const CareCommand& command) {
  const store::Folder folder = store::Folder::open_joined(files(), command.memory);
  std::cout << dump(manifest_json(folder)) << std::endl;
  return 0;
}

}  // namespace larimar::launch

#include "shard/stored_segments.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/error.h"
#include "common/base/random.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using Rows = Eigen::Map<const linalg::Matrix>;

Rows rows_of(std::span<const float> floats, std::size_t rows, Index columns) {
  return {floats.data(), static_cast<Index>(rows), columns};
}

SegmentInfo info_of(const store::SegmentsRecord& record, std::size_t i) {
  const store::SegmentEntry& entry = record.segments[i];
  return {base::SegmentId{entry.id}, record.document, entry.begin, entry.end, entry.line};
}

}  // namespace

StoredSegments::StoredSegments(const store::Folder& folder, std::span<const store::LogState> states,
                               store::OnDamage on_damage)
    : code_size_(folder.manifest().code_size), key_size_(folder.manifest().key_size) {
  for (const store::LogState& state : states) {
    store::LogReader& reader =
        readers_.emplace_back(folder.directory(), folder.identity(state.shard), state, on_damage);
    Live live;
    while (const auto read = reader.next()) {
      if (const auto* segments = std::get_if<store::SegmentsRecord>(&read->record))
        take(*segments, state.shard, live);
      else
        forget(std::get<store::ForgetRecord>(read->record), live);
    }
    merge(live, state.shard);
    reader.let_go();  // of many logs only one is in memory at a time
    damages_.insert(damages_.end(), reader.damages().begin(), reader.damages().end());
  }
  totals_.segments = live_.size();
}

namespace {

[[noreturn]] void refuse_twice(std::uint32_t log, std::uint64_t id) {
  throw base::FormatError(store::log_name(log) + " writes segment " + std::to_string(id) +
                          " again, which is still there; the memory is damaged, try larimar verify");
}

}  // namespace

void StoredSegments::take(const store::SegmentsRecord& record, std::uint32_t log, Live& live) {
  const auto number = static_cast<std::uint32_t>(records_.size());
  records_.push_back(record);
  log_of_record_.push_back(log);
  live_in_record_.push_back(static_cast<std::uint32_t>(record.segments.size()));
  for (std::size_t i = 0; i < record.segments.size(); ++i) {
    const Place place{number, static_cast<std::uint32_t>(i)};
    if (!live.emplace(record.segments[i].id, place).second) refuse_twice(log, record.segments[i].id);
  }
  ++totals_.blocks;
  totals_.tokens += record.tokens;
  totals_.masked_bytes += record.masked_bytes;
  totals_.bytes += record.end - record.begin;
}

void StoredSegments::merge(Live& live, std::uint32_t log) {
  const std::size_t before = live_.size(), more = live.size();
  live_.merge(live);
  if (live_.size() != before + more) refuse_twice(log, live.begin()->first);
}

void StoredSegments::forget(const store::ForgetRecord& record, Live& live) {
  for (const std::uint64_t id : record.segments) {
    const auto found = live.find(id);
    if (found == live.end()) continue;  // lost with a damaged block
    --live_in_record_[found->second.record];
    live.erase(found);
    ++totals_.forgotten;
  }
}

bool StoredSegments::is_live(std::uint32_t record, std::uint32_t segment) const {
  const auto found = live_.find(records_[record].segments[segment].id);
  return found != live_.end() && found->second.record == record && found->second.segment == segment;
}

void StoredSegments::visit(const std::function<void(const store::SegmentsRecord&)>& visitor) const {
  for (std::uint32_t number = 0; number < records_.size(); ++number) {
    if (is_whole(number))
      visitor(records_[number]);
    else
      visit_part(number, visitor);
  }
}

void StoredSegments::visit_part(std::uint32_t number,
                                const std::function<void(const store::SegmentsRecord&)>& visitor) const {
  store::SegmentsRecord part = records_[number];
  std::vector<store::SegmentEntry> entries;
  std::vector<Index> code_rows, key_rows;
  std::vector<std::uint32_t> position(part.segments.size()), owner;
  for (std::uint32_t i = 0; i < part.segments.size(); ++i) {
    if (!is_live(number, i)) continue;
    position[i] = static_cast<std::uint32_t>(entries.size());
    entries.push_back(part.segments[i]);
    code_rows.push_back(static_cast<Index>(i));
  }
  for (std::size_t row = 0; row < part.key_owner.size(); ++row) {
    if (!is_live(number, part.key_owner[row])) continue;
    key_rows.push_back(static_cast<Index>(row));
    owner.push_back(position[part.key_owner[row]]);
  }
  const linalg::Matrix codes = rows_of(part.codes, part.segments.size(), code_size_)(code_rows, Eigen::all);
  const linalg::Matrix keys = rows_of(part.keys, part.key_owner.size(), key_size_)(key_rows, Eigen::all);
  part.segments = entries;
  part.codes = {codes.data(), static_cast<std::size_t>(codes.size())};
  part.keys = {keys.data(), static_cast<std::size_t>(keys.size())};
  part.key_owner = owner;
  visitor(part);
}

void StoredSegments::load(ShardMemory& memory, Keep keep) const {
  memory.reserve(live_.size(), key_rows());
  const auto append = [&](const store::SegmentsRecord& record, Keep how) {
    std::vector<SegmentInfo> infos;
    for (std::size_t i = 0; i < record.segments.size(); ++i) infos.push_back(info_of(record, i));
    memory.append({infos, rows_of(record.codes, infos.size(), code_size_),
                   rows_of(record.keys, record.key_owner.size(), key_size_), record.key_owner, how});
  };
  for (std::uint32_t number = 0; number < records_.size(); ++number) {
    if (is_whole(number))
      append(records_[number], keep);
    else
      visit_part(number, [&](const store::SegmentsRecord& part) { append(part, Keep::kCopy); });
    const bool ends = number + 1 == records_.size() || log_of_record_[number + 1] != log_of_record_[number];
    if (ends && keep == Keep::kBorrow) let_go_of(log_of_record_[number]);
  }
}

void StoredSegments::let_go_of(std::uint32_t log) const {
  for (const store::LogReader& reader : readers_) {
    if (reader.shard() == log) reader.let_go();
  }
}

std::optional<StoredSegments::Found> StoredSegments::find(base::SegmentId id) const {
  const auto found = live_.find(id.value);
  if (found == live_.end()) return std::nullopt;
  const Place place = found->second;
  return Found{&records_[place.record], place.segment, log_of_record_[place.record]};
}

std::optional<std::uint32_t> StoredSegments::log_of(base::SegmentId id) const {
  const auto found = live_.find(id.value);
  if (found == live_.end()) return std::nullopt;
  return log_of_record_[found->second.record];
}

std::vector<base::SegmentId> StoredSegments::ids_of_documents(const std::set<std::uint32_t>& documents) const {
  std::vector<base::SegmentId> ids;
  for (const auto& [id, place] : live_) {
    if (documents.contains(records_[place.record].document)) ids.push_back(base::SegmentId{id});
  }
  std::ranges::sort(ids);
  return ids;
}

std::uint64_t StoredSegments::key_rows() const {
  std::uint64_t rows = 0;
  for (const store::SegmentsRecord& record : records_) rows += record.key_owner.size();
  return rows;
}

StoredSegments::KeySample StoredSegments::sample_keys(std::uint64_t stride) const {
  KeySample sample;
  std::vector<std::span<const float>> rows;
  const auto width = static_cast<std::size_t>(key_size_);
  for (std::uint32_t number = 0; number < records_.size(); ++number) {
    const store::SegmentsRecord& record = records_[number];
    for (std::size_t row = 0; row < record.key_owner.size(); ++row) {
      const std::uint32_t segment = record.key_owner[row];
      const std::uint64_t id = record.segments[segment].id;
      if (base::Random(id).next() % stride != 0 || !is_live(number, segment)) continue;
      rows.push_back(record.keys.subspan(row * width, width));
      sample.ids.push_back(base::SegmentId{id});
    }
  }
  sample.keys.resize(static_cast<Index>(rows.size()), key_size_);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::ranges::copy(rows[i], sample.keys.row(static_cast<Index>(i)).data());
  return sample;
}

}  // namespace larimar::shard

#include "shard/shard_service.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/failpoint.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/linalg/softmax.h"
#include "common/wire/message.h"

namespace larimar::shard {
namespace {

std::uint64_t count_lines(std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); }

SegmentInfo info_of(std::uint32_t document, std::uint64_t byte, std::uint64_t line, const SegmentPlace& place) {
  const std::uint64_t begin = byte + place.span.begin;
  return {base::make_segment_id(document, begin), document, begin, byte + place.span.end, line + place.line};
}

}  // namespace

/// The text of this shard's next block, and what has to be counted before it, is fetched while a block is encoded.
void ShardService::read_ahead_of(const text::Corpus& corpus, std::size_t next, const Ingesting& how) const {
  const auto& blocks = corpus.blocks();
  for (std::size_t i = next; i < blocks.size(); ++i) {
    if (place_.shards.owner(how.first_block + i) != place_.shard.value) continue;
    const bool same_document = next > 0 && blocks[i].document == blocks[next - 1].document;
    const std::uint64_t begin = same_document ? blocks[next - 1].end : 0;
    return base::read_ahead(corpus.documents()[blocks[i].document].path, begin, blocks[i].end - begin);
  }
}

const IngestStats& ShardService::ingest(const text::Corpus& corpus, const Ingesting& how,
                                        const std::function<void(const IngestStats&)>& report) {
  const base::Stopwatch watch;
  const auto& blocks = corpus.blocks();
  const auto is_mine = [&](std::size_t i) { return place_.shards.owner(how.first_block + i) == place_.shard.value; };
  for (std::size_t i = 0; i < blocks.size(); ++i) stats_.blocks += is_mine(i) ? 1U : 0U;

  std::optional<base::MappedFile> file;
  std::optional<text::BlockStarts> starts;
  std::uint64_t counted_bytes = 0, line = 1;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!is_mine(i)) continue;
    const text::BlockRef& ref = blocks[i];
    const std::filesystem::path& path = corpus.documents()[ref.document].path;
    if (!file || file->path() != path) {
      file.emplace(path);
      starts.emplace(file->text());
      counted_bytes = 0;
      line = 1;
      if (file->bytes().size() != corpus.documents()[ref.document].bytes) {
        throw base::FormatError(path.string() +
                                " changed its size while the job was starting; run it again when it is complete");
      }
    }
    const BlockNumbers numbers{how.first_block + i, how.first_document + ref.document};
    if (how.logs != nullptr && how.logs->has(numbers.block)) {
      ++stats_.resumed_blocks;
    } else {
      const std::string_view document = file->text();
      const std::uint64_t begin = starts->find(ref.begin), end = starts->find(ref.end);
      line += count_lines(document.substr(counted_bytes, begin - counted_bytes));
      counted_bytes = begin;
      read_ahead_of(corpus, i + 1, how);
      ingest_block(document.substr(begin, end - begin), {path, begin, line}, numbers, how);
    }
    ++stats_.blocks_done;
    stats_.seconds_segmenting = how.encoder.times().segmenting;
    stats_.seconds_codes = how.encoder.times().codes;
    stats_.seconds_keys = how.encoder.times().keys;
    stats_.seconds_all = watch.seconds();
    report(stats_);
  }
  if (how.logs != nullptr) how.logs->sync();
  return stats_;
}

namespace {

/// The record of an encoded block; `entries` and the block must outlive it.
store::SegmentsRecord record_of(const EncodedBlock& block, std::uint64_t number, std::uint32_t document,
                                const BlockOrigin& origin, std::uint64_t end,
                                std::vector<store::SegmentEntry>& entries) {
  for (const SegmentPlace& place : block.places) {
    const SegmentInfo info = info_of(document, origin.byte, origin.line, place);
    entries.push_back({info.id.value, info.byte_begin, info.byte_end, info.line});
  }
  const auto floats = [](const linalg::Matrix& rows) {
    return std::span(rows.data(), static_cast<std::size_t>(rows.size()));
  };
  return {.block = number,
          .document = document,
          .begin = origin.byte,
          .end = end,
          .line = origin.line,
          .tokens = block.tokens,
          .masked_bytes = block.masked_bytes,
          .segments = entries,
          .codes = floats(block.codes),
          .keys = floats(block.keys),
          .key_owner = block.key_owner};
}

}  // namespace

void ShardService::ingest_block(std::string_view bytes, const BlockOrigin& origin, const BlockNumbers& numbers,
                                const Ingesting& how) {
  std::shared_ptr<const EncodedBlock> block = how.cache == nullptr ? nullptr : how.cache->find(bytes, how.rules);
  if (block == nullptr) {
    block = std::make_shared<const EncodedBlock>(bytes.empty() ? EncodedBlock{} : how.encoder.encode(bytes, origin));
    if (how.cache != nullptr) how.cache->insert(bytes, how.rules, block);
  } else {
    ++stats_.cached_blocks;
  }
  stats_.bytes += bytes.size();
  stats_.segments += block->places.size();
  stats_.tokens += block->tokens;
  stats_.masked_bytes += block->masked_bytes;
  if (how.logs != nullptr) {
    LARIMAR_FAILPOINT("shard.block.encoded");
    std::vector<store::SegmentEntry> entries;
    how.logs->append(record_of(*block, numbers.block, numbers.document, origin, origin.byte + bytes.size(), entries));
  } else if (!block->places.empty()) {
    blocks_.push_back({numbers.document, origin.byte, origin.line, std::move(block)});
  }
}

std::uint64_t ShardService::key_rows() const {
  std::uint64_t rows = 0;
  for (const PlacedBlock& placed : blocks_) rows += placed.block->key_owner.size();
  return rows;
}

ShardService::KeySample ShardService::sample_keys(std::uint64_t stride) const {
  KeySample sample;
  std::vector<std::pair<const EncodedBlock*, linalg::Index>> rows;
  for (const PlacedBlock& placed : blocks_) {
    for (std::size_t row = 0; row < placed.block->key_owner.size(); ++row) {
      const SegmentPlace& place = placed.block->places[placed.block->key_owner[row]];
      const base::SegmentId id = base::make_segment_id(placed.document, placed.byte + place.span.begin);
      if (base::Random(id.value).next() % stride != 0) continue;
      rows.emplace_back(placed.block.get(), static_cast<linalg::Index>(row));
      sample.ids.push_back(id);
    }
  }
  sample.keys.resize(static_cast<linalg::Index>(rows.size()), place_.key_size);
  for (std::size_t i = 0; i < rows.size(); ++i)
    sample.keys.row(static_cast<linalg::Index>(i)) = rows[i].first->keys.row(rows[i].second);
  return sample;
}

void ShardService::write(const memory::MemoryRules& rules, std::shared_ptr<const memory::Addresser> addresser,
                         bool keep_codes) {
  make_memory(rules, std::move(addresser), keep_codes);
  for (PlacedBlock& placed : blocks_) {
    std::vector<SegmentInfo> infos;
    for (const SegmentPlace& place : placed.block->places)
      infos.push_back(info_of(placed.document, placed.byte, placed.line, place));
    memory_->append({infos, placed.block->codes, placed.block->keys, placed.block->key_owner});
    placed.block.reset();  // unless the cache keeps it, the encoded form goes as the memory grows
  }
  blocks_.clear();
  if (!memory::is_solved_globally(rules)) memory_->solve();
}

void ShardService::load(StoredSegments stored, const memory::MemoryRules& rules,
                        std::shared_ptr<const memory::Addresser> addresser) {
  LARIMAR_FAILPOINT("shard.memory.load");
  make_memory(rules, std::move(addresser), false);
  const Keep keep = place_.key_store == KeyStore::kFloat32 ? Keep::kCopy : Keep::kBorrow;
  stored.load(*memory_, keep);
  if (keep == Keep::kBorrow) logs_ = std::move(stored).take_logs();
  LARIMAR_FAILPOINT("shard.memory.loaded");
  if (!memory::is_solved_globally(rules)) memory_->solve();
}

void ShardService::make_memory(const memory::MemoryRules& rules, std::shared_ptr<const memory::Addresser> addresser,
                               bool keep_codes) {
  memory_ = std::make_unique<ShardMemory>(ShardMemoryOptions{.rules = rules,
                                                             .code_size = place_.code_size,
                                                             .key_size = place_.key_size,
                                                             .addresser = std::move(addresser),
                                                             .keep_codes = keep_codes,
                                                             .key_store = place_.key_store,
                                                             .key_folder = place_.key_folder});
}

std::vector<double> ShardService::statistics() const { return memory_->statistics().pack(); }

void ShardService::adopt(const linalg::Matrix& memory) {
  const auto rows = static_cast<std::size_t>(memory.rows());
  const std::size_t first = rows * place_.shard.value / place_.shards.count(),
                    last = rows * (place_.shard.value + 1) / place_.shards.count();
  memory_->adopt(memory, {static_cast<linalg::Index>(first), static_cast<linalg::Index>(last - first)});
}

wire::ReadHeader ShardService::header(const wire::ReadPlan& plan, wire::ReadKind kind, std::size_t rows,
                                      std::size_t columns) const {
  wire::ReadHeader header;
  header.kind = kind;
  header.status = memory_->status();
  header.shard = place_.shard;
  header.rows = static_cast<std::uint32_t>(rows);
  header.columns = static_cast<std::uint32_t>(columns);
  header.step = plan.step;
  return header;
}

std::vector<std::byte> ShardService::propose(const wire::ReadPlan& plan, linalg::ConstMatrixRef keys) const {
  LARIMAR_FAILPOINT("shard.read.propose");
  const auto candidates_header = header(plan, wire::ReadKind::kCandidates, plan.queries, plan.asked);
  if (plan.form != wire::ReadForm::kSlots)
    return wire::pack<wire::Candidate>(candidates_header, memory_->read_candidates(keys, plan.asked), {});
  const SlotReads slots = memory_->read_slots(keys, plan.slot_rows, plan.asked);
  const std::span<const float> codes(slots.codes.data(), static_cast<std::size_t>(slots.codes.size()));
  std::vector<std::byte> message = wire::pack<wire::SlotRead>(
      header(plan, wire::ReadKind::kSlotReads, plan.queries * plan.slot_rows, plan.code_size), slots.reads, codes);
  const std::vector<std::byte> members = wire::pack<wire::Candidate>(candidates_header, slots.members, {});
  message.insert(message.end(), members.begin(), members.end());
  return message;
}

std::vector<std::byte> ShardService::hand_over(const wire::ReadPlan& plan,
                                               std::span<const wire::ChosenSegment> chosen) const {
  LARIMAR_FAILPOINT("shard.read.hand_over");
  std::vector<wire::CodeRecord> records;
  std::vector<float> floats;
  for (const wire::ChosenSegment& choice : chosen) {
    if (choice.shard != place_.shard) continue;
    if (choice.slot.value >= memory_->size()) throw base::CommError("a slot was chosen that this shard does not have");
    const SegmentInfo& info = memory_->segment(choice.slot);
    records.push_back({info.id, info.byte_begin, info.byte_end, info.line, info.document, place_.shard, choice.slot,
                       wire::ReadStatus::kOk});
    if (plan.form != wire::ReadForm::kCodes) continue;
    const std::span<const float> code = memory_->code(choice.slot);
    floats.insert(floats.end(), code.begin(), code.end());
  }
  if (records.empty()) return {};
  if (plan.form == wire::ReadForm::kBlend) floats = blend(plan, chosen);
  const wire::ReadKind kind = plan.form == wire::ReadForm::kBlend ? wire::ReadKind::kBlend : wire::ReadKind::kCodes;
  const std::size_t columns = plan.form == wire::ReadForm::kSlots ? 0 : plan.code_size;
  return wire::pack<wire::CodeRecord>(header(plan, kind, records.size(), columns), records, floats);
}

std::vector<float> ShardService::blend(const wire::ReadPlan& plan, std::span<const wire::ChosenSegment> chosen) const {
  std::vector<float> floats;
  floats.reserve(plan.queries * (2 + plan.code_size));
  for (std::size_t q = 0; q < plan.queries; ++q) {
    linalg::SoftmaxPartial part(static_cast<linalg::Index>(plan.code_size));
    // The score itself travels: a logit, score / temperature, has no exact float, and an error of it is one of the weights.
    float best = -std::numeric_limits<float>::infinity();
    for (const wire::ChosenSegment& choice : chosen.subspan(q * plan.k, plan.k)) {
      if (choice.shard != place_.shard) continue;
      part.add(static_cast<double>(choice.score) / plan.temperature, memory_->code(choice.slot));
      best = std::max(best, choice.score);
    }
    floats.push_back(best);
    floats.push_back(static_cast<float>(part.l()));
    for (const double value : part.o()) floats.push_back(static_cast<float>(value));
  }
  return floats;
}

}  // namespace larimar::shard

#include "coordinator/capacity_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/base/contracts.h"
#include "common/base/error.h"

namespace larimar::coordinator {
namespace {

// Of a segment in a shard that is asked: its place (40), its row's owner (12), places of the id's hash table (8 on average).
constexpr std::uint64_t kTableBytes = 60;
// Beside each row what scores by a shorter key may be off by; with int8 its scale as well (shard/compressed_rows.h).
constexpr std::uint64_t kBoundBytes = 4, kScaleBytes = 4;
// Of a log (docs/format.md): a segment's id, bytes and line, the owner of its key; a record's header; the file's.
constexpr std::uint64_t kEntryBytes = 32, kOwnerBytes = 4, kRecordBytes = 128, kLogBytes = 64;

void check_count(std::uint64_t value, const char* name) {
  if (value == 0) throw base::ConfigError(std::string("a plan needs ") + name + " above 0");
}

void check_rate(double value, const char* name) {
  if (!(value > 0) || !std::isfinite(value))
    throw base::ConfigError(std::string("the rate of ") + name + " is " + std::to_string(value) +
                            ", but must be a number above 0");
}

void check(const MemoryShape& shape, const MachineRates& rates) {
  check_count(shape.tokens, "tokens");
  check_count(shape.segments, "segments");
  check_count(shape.blocks, "blocks");
  check_count(shape.code_size, "a code size");
  check_count(shape.key_size, "a key size");
  check_count(shape.reads, "reads");
  check_rate(rates.segmenting, "segmenting");
  check_rate(rates.codes, "codes");
  check_rate(rates.keys, "keys");
  check_rate(rates.storing, "storing");
  check_rate(rates.scanning, "scanning");
  check_rate(rates.batch_flops, "a batch");
}

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

/// Of the fullest shard: rounds over all virtual shards, and a rest that begins with shard 0.
std::uint64_t most_blocks(std::uint64_t blocks, std::size_t shards) {
  return blocks / wire::kVirtualShards * ceil_div(wire::kVirtualShards, shards) +
         ceil_div(blocks % wire::kVirtualShards, shards);
}

wire::ReadPlan read_of(const MemoryShape& shape, std::size_t queries) {
  return {.queries = queries,
          .k = shape.reads,
          .asked = std::max<std::size_t>(shape.reads, 2),
          .key_size = shape.key_size,
          .code_size = shape.code_size};
}

Cost messages_of(const MemoryShape& shape, const wire::RolePlan& roles, const Network& network, std::size_t queries) {
  const wire::ReadPlan plan = read_of(shape, queries);
  return predict_read(plan, roles, evenly_chosen(plan, roles.shards()), network);
}

}  // namespace

std::uint64_t largest_share(const MemoryShape& shape, std::size_t shards) {
  LARIMAR_EXPECT(shards > 0 && shape.blocks > 0);
  const double share = static_cast<double>(most_blocks(shape.blocks, shards)) / static_cast<double>(shape.blocks);
  return std::min(shape.segments, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(shape.segments))));
}

std::uint64_t bytes_in_memory(const MemoryShape& shape, std::uint64_t segments) {
  const std::uint64_t scanned = shape.keys_in_files ? 0 : shape.key_size * shape.key_bytes;
  // Float keys are scanned where they are copied to, and the codes beside them; of compressed ones both stay in the mapped logs.
  const std::uint64_t copied = shape.key_bytes == sizeof(float) ? shape.code_size * sizeof(float) : 0;
  const std::uint64_t beside = shape.keys_in_files ? 0 : kBoundBytes + (shape.key_bytes == 1 ? kScaleBytes : 0);
  return segments * (scanned + copied + beside + kTableBytes);
}

std::uint64_t bytes_on_disk(const MemoryShape& shape) {
  const std::uint64_t segment = (shape.code_size + shape.key_size) * sizeof(float) + kEntryBytes + kOwnerBytes;
  return shape.segments * segment + shape.blocks * kRecordBytes +
         std::min(shape.blocks, wire::kVirtualShards) * kLogBytes;
}

double store_seconds(const MemoryShape& shape, const MachineRates& rates, std::size_t shards) {
  const double share = static_cast<double>(largest_share(shape, shards)) / static_cast<double>(shape.segments);
  return share * static_cast<double>(bytes_on_disk(shape)) / rates.storing;
}

double ingest_seconds(const MemoryShape& shape, const MachineRates& rates, std::size_t shards) {
  const double share = static_cast<double>(largest_share(shape, shards)) / static_cast<double>(shape.segments);
  const double token = 1 / rates.segmenting + 1 / rates.codes + 1 / rates.keys;
  return share * static_cast<double>(shape.tokens) * token + store_seconds(shape, rates, shards);
}

double search_seconds(const MemoryShape& shape, const MachineRates& rates, std::size_t shards, std::size_t queries) {
  const double components = static_cast<double>(largest_share(shape, shards)) * static_cast<double>(shape.key_size);
  const double pass = components * static_cast<double>(shape.key_bytes) / rates.scanning;
  if (queries == 1) return pass;
  return std::max(pass, 2 * components * static_cast<double>(queries) / rates.batch_flops);
}

std::uint64_t most_bytes_of_a_rank(const MemoryShape& shape, const wire::RolePlan& roles, const Footprint& footprint) {
  const std::uint64_t segments = bytes_in_memory(shape, largest_share(shape, roles.shards()));
  const auto bytes_of = [&](int rank, bool stores, bool decodes) {
    const std::uint64_t others = (rank == 0 ? footprint.coordinator : 0) + (decodes ? footprint.decoder : 0);
    return footprint.program + (stores ? std::max(segments + others, footprint.ingesting) : others);
  };
  // Ranks of one role are alike: rank 0, a shard and a decoder stand for all.
  std::uint64_t most = bytes_of(0, roles.shard_of(0) >= 0, roles.decoder_of(0) >= 0);
  if (const int shard = roles.shard_ranks.back(); shard != 0) most = std::max(most, bytes_of(shard, true, false));
  if (const int last = roles.decoder_ranks.empty() ? 0 : roles.decoder_ranks.back(); last != 0)
    most = std::max(most, bytes_of(last, false, true));
  return most;
}

CapacityPlan plan_capacity(const MemoryShape& shape, const wire::RolePlan& roles, const MachineRates& rates,
                           const Footprint& footprint) {
  check(shape, rates);
  check_count(roles.shards(), "shards");
  CapacityPlan plan;
  plan.shards = roles.shards();
  plan.shards_used =
      std::min({plan.shards, static_cast<std::size_t>(wire::kVirtualShards), static_cast<std::size_t>(shape.blocks)});
  plan.largest_shard = largest_share(shape, plan.shards);
  // While text is written nobody decodes, and all but rank 0 store.
  plan.ingest_seconds = ingest_seconds(shape, rates, static_cast<std::size_t>(std::max(1, roles.ranks - 1)));
  plan.read = messages_of(shape, roles, rates.network, 1);
  plan.batch = messages_of(shape, roles, rates.network, kPlannedBatch);
  plan.read_seconds = search_seconds(shape, rates, plan.shards, 1) + plan.read.seconds;
  plan.batch_seconds = search_seconds(shape, rates, plan.shards, kPlannedBatch) + plan.batch.seconds;
  plan.shard_bytes = bytes_in_memory(shape, plan.largest_shard);
  plan.rank_bytes = most_bytes_of_a_rank(shape, roles, footprint);
  plan.disk_bytes = bytes_on_disk(shape);
  return plan;
}

std::optional<int> least_ranks(const MemoryShape& shape, int decoders, const Footprint& footprint,
                               std::uint64_t bytes) {
  // Beyond one shard for each virtual one nothing gets smaller.
  const int enough = static_cast<int>(wire::kVirtualShards) + 1 + decoders;
  for (int ranks = 1; ranks <= enough; ++ranks)
    if (most_bytes_of_a_rank(shape, wire::plan_roles(ranks, decoders), footprint) <= bytes) return ranks;
  return std::nullopt;
}

}  // namespace larimar::coordinator

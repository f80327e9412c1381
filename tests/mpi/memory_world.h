#pragma once
// One rank of a job with fake networks, and the slow obvious answer that the job must give.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/coordinator_service.h"
#include "decoder/decoder_service.h"
#include "launch/exchange.h"
#include "shard/shard_service.h"
#include "tests/support/fake_networks.h"
#include "tests/support/memory_rules.h"
#include "tests/support/temporary_text.h"

namespace larimar::test {

inline constexpr linalg::Index kCodeSize = 11;
inline constexpr linalg::Index kKeySize = 37;

/// The parts of a rank, ingested and written. The context is this process's own copy of the same text.
struct MemoryRank {
  MemoryRank(int rank, wire::RolePlan roles_plan, const std::string& context, shard::KeyMode key_mode,
             const linalg::Matrix& codebook = {})
      : MemoryRank(rank, std::move(roles_plan), context, key_mode, support::NearestMemory(codebook)) {}

  MemoryRank(int rank, wire::RolePlan roles_plan, const std::string& context, shard::KeyMode key_mode,
             support::KindOfMemory wanted)
      : plan(std::move(roles_plan)),
        corpus(std::vector{files.write("context.txt", context)}),
        kind(std::move(wanted)),
        coordinator(plan.shards(), kind.rules, kind.addresser) {
    shard::EncodingRules rules;
    rules.key_mode = key_mode;
    encoder.emplace(codes, keys, tokenizer, rules);
    if (const int number = plan.shard_of(rank); number >= 0) {
      shard.emplace(shard::ShardPlace{{static_cast<std::uint32_t>(number)}, plan.shards(), kCodeSize, kKeySize});
      shard->ingest(corpus, {.encoder = *encoder}, [](const shard::IngestStats&) {});
      shard->write(kind.rules, kind.addresser);
    }
    roles = {rank == 0 ? &coordinator : nullptr, shard ? &*shard : nullptr,
             plan.decoder_of(rank) >= 0 ? &decoder : nullptr};
  }

  support::TemporaryText files;
  wire::RolePlan plan;
  text::Corpus corpus;
  support::ByteTokenizer tokenizer;
  support::FakeCodes codes{kCodeSize};
  support::FakeKeys keys{kKeySize};
  support::FakeDecoder fake_decoder{kCodeSize};
  decoder::DecoderService decoder{fake_decoder, tokenizer};
  support::KindOfMemory kind;
  coordinator::CoordinatorService coordinator;
  std::optional<shard::BlockEncoder> encoder;
  std::optional<shard::ShardService> shard;
  launch::Roles roles;
};

/// The whole context at once, in reading order, encoded a segment at a time.
struct SlowMemory {
  struct Row {
    base::SegmentId segment{};
    std::uint64_t begin = 0, end = 0, line = 0;
  };
  SlowMemory(const std::string& context, shard::KeyMode key_mode);

  /// The dot product as common/linalg/fixed_dot.h words it, with loops over lanes.
  [[nodiscard]] static float dot(const float* x, const float* y, std::size_t size);
  /// Best score of each segment for a key, best first, equal scores in reading order.
  [[nodiscard]] std::vector<std::pair<float, std::size_t>> ranking(linalg::ConstMatrixRef key) const;

  std::vector<Row> rows;
  linalg::Matrix codes;                 // [segments, C]
  std::vector<linalg::RowVector> keys;  // [key rows]
  std::vector<std::size_t> owner;       // [key rows]
};

}  // namespace larimar::test

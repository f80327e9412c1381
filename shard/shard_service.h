#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/memory/addresser.h"
#include "common/memory/rules.h"
#include "common/text/corpus.h"
#include "common/wire/plan.h"
#include "shard/block_cache.h"
#include "shard/block_encoder.h"
#include "shard/shard_memory.h"

namespace larimar::shard {

/// What a shard has done; summed over shards in the run report. Travels as its bytes.
struct IngestStats {
  std::uint64_t blocks_done = 0, blocks = 0;  // of this shard
  std::uint64_t bytes = 0, segments = 0, tokens = 0, masked_bytes = 0, cached_blocks = 0;
  double seconds_segmenting = 0, seconds_codes = 0, seconds_keys = 0, seconds_all = 0;
};

/// One shard: encodes its own blocks, writes them to its memory, and answers reads. Knows messages as bytes and nothing
/// of how they travel. Steps in this order: ingest, write, then propose and hand_over for each read. Not thread-safe.
class ShardService {
 public:
  /// `encoder` is borrowed. `cache` may be null; `rules` names the encoder and its rules in the cache.
  ShardService(base::ShardId shard, std::size_t shards, BlockEncoder& encoder, BlockCache* cache, std::string rules);

  /// Reads and encodes the blocks of this shard. `report` is called after each block.
  /// Calls   local; reads files. Throws MissingInputError, FormatError (naming document and place), and what encoders throw.
  const IngestStats& ingest(const text::Corpus& corpus, const std::function<void(const IngestStats&)>& report);

  /// A sample of this shard's write keys for a codebook: those of segments whose id hashes to 0 modulo `stride`, so that
  /// the sample does not depend on the shards. Returns keys [n, D] and their segment ids.
  struct KeySample {
    linalg::Matrix keys;
    std::vector<base::SegmentId> ids;
  };
  /// Write keys that were ingested and not yet written.
  [[nodiscard]] std::uint64_t key_rows() const;
  [[nodiscard]] KeySample sample_keys(std::uint64_t stride) const;

  /// Writes what was ingested and lets the encoded blocks go. The memory is then solved, unless the rules ask for one
  /// solution of all shards over weights (memory::is_solved_globally). The addresser is null with stored keys.
  void write(const memory::MemoryRules& rules, std::shared_ptr<const memory::Addresser> addresser,
             bool keep_codes = false);
  /// Then the coordinator solves from the sums of all shards (linalg::GramStatistics::pack), and adopt() takes M.
  [[nodiscard]] std::vector<double> statistics() const;
  /// M [K, C], the same on every shard; this one will answer for its share of the rows.
  void adopt(const linalg::Matrix& memory);

  /// This shard's proposal for read keys [queries, D]: candidates, and of shared slots the partial reads before them.
  [[nodiscard]] std::vector<std::byte> propose(const wire::ReadPlan& plan, linalg::ConstMatrixRef keys) const;
  /// Records of the chosen segments that are ours, in the order in which they were chosen, and their codes or blends.
  /// Shapes  chosen [queries * k].
  [[nodiscard]] std::vector<std::byte> hand_over(const wire::ReadPlan& plan,
                                                 std::span<const wire::ChosenSegment> chosen) const;

  [[nodiscard]] const ShardMemory& memory() const { return *memory_; }

 private:
  struct PlacedBlock {
    std::uint32_t document = 0;
    std::uint64_t byte = 0, line = 1;
    std::shared_ptr<const EncodedBlock> block;
  };
  void ingest_block(std::string_view bytes, const BlockOrigin& origin, std::uint32_t document);
  [[nodiscard]] std::vector<float> blend(const wire::ReadPlan& plan, std::span<const wire::ChosenSegment> chosen) const;
  [[nodiscard]] wire::ReadHeader header(const wire::ReadPlan& plan, wire::ReadKind kind, std::size_t rows,
                                        std::size_t columns) const;

  base::ShardId shard_;
  std::size_t shards_;
  BlockEncoder& encoder_;
  BlockCache* cache_;
  std::string rules_;
  std::vector<PlacedBlock> blocks_;  // until written
  IngestStats stats_;
  std::unique_ptr<ShardMemory> memory_;
};

}  // namespace larimar::shard

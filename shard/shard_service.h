#pragma once
#include <cstddef>
#include <filesystem>
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
#include "shard/log_writers.h"
#include "shard/shard_memory.h"
#include "shard/stored_segments.h"

namespace larimar::shard {

/// What a shard has done; summed over shards in the run report. Travels as its bytes.
struct IngestStats {
  std::uint64_t blocks_done = 0, blocks = 0;  // of this shard
  std::uint64_t bytes = 0, segments = 0, tokens = 0, masked_bytes = 0, cached_blocks = 0, resumed_blocks = 0;
  double seconds_segmenting = 0, seconds_codes = 0, seconds_keys = 0, seconds_all = 0;
};

/// Which part of a memory a shard is, and its sizes.
struct ShardPlace {
  base::ShardId shard{};
  wire::ShardMap shards = 1;
  linalg::Index code_size = 0;  // C
  linalg::Index key_size = 0;   // D
  KeyStore key_store = KeyStore::kFloat32;
  std::filesystem::path key_folder{};  // compressed keys in a mapped file there; empty: in memory
};

/// How text gets in. Borrowed for the time of the call.
struct Ingesting {
  BlockEncoder& encoder;
  BlockCache* cache = nullptr;       // of encoded blocks; may be null
  std::string rules{};               // names encoder and rules in the cache
  LogWriters* logs = nullptr;        // of a memory folder: blocks go there and are not kept; null: kept until write()
  std::uint64_t first_block = 0;     // number of the corpus' first block in the memory
  std::uint32_t first_document = 0;  // number of its first document
};

/// One shard: encodes its own blocks, writes them to its memory, and answers reads. Knows messages as bytes and nothing
/// of how they travel. Steps in this order: ingest, write, then propose and hand_over for each read; or, over a memory
/// folder, load in place of the first two. Not thread-safe.
class ShardService {
 public:
  explicit ShardService(const ShardPlace& place) : place_(place) {}

  /// Reads and encodes the blocks of this shard; those that the logs have already are passed over. `report` is called after
  /// each block. With logs all records are on disk when it returns.
  /// Calls   local; reads files. Throws MissingInputError, FormatError (naming document and place), and what encoders and logs
  ///         throw.
  const IngestStats& ingest(const text::Corpus& corpus, const Ingesting& how,
                            const std::function<void(const IngestStats&)>& report);

  /// A sample of this shard's write keys for a codebook: those of segments whose id hashes to 0 modulo `stride`, so that
  /// the sample does not depend on the shards. Returns keys [n, D] and their segment ids.
  using KeySample = StoredSegments::KeySample;
  /// Write keys that were ingested and not yet written.
  [[nodiscard]] std::uint64_t key_rows() const;
  [[nodiscard]] KeySample sample_keys(std::uint64_t stride) const;

  /// Writes what was ingested and lets the encoded blocks go. The memory is then solved, unless the rules ask for one
  /// solution of all shards over weights (memory::is_solved_globally). The addresser is null with stored keys.
  void write(const memory::MemoryRules& rules, std::shared_ptr<const memory::Addresser> addresser,
             bool keep_codes = false);
  /// write() of what a memory folder holds. With compressed keys the codes and float keys stay in the mapped logs.
  void load(StoredSegments stored, const memory::MemoryRules& rules,
            std::shared_ptr<const memory::Addresser> addresser);
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
  struct BlockNumbers {
    std::uint64_t block = 0;
    std::uint32_t document = 0;
  };
  struct PlacedBlock {
    std::uint32_t document = 0;
    std::uint64_t byte = 0, line = 1;
    std::shared_ptr<const EncodedBlock> block;
  };
  void make_memory(const memory::MemoryRules& rules, std::shared_ptr<const memory::Addresser> addresser,
                   bool keep_codes);
  void read_ahead_of(const text::Corpus& corpus, std::size_t next, const Ingesting& how) const;
  void ingest_block(std::string_view bytes, const BlockOrigin& origin, const BlockNumbers& numbers,
                    const Ingesting& how);
  [[nodiscard]] std::vector<float> blend(const wire::ReadPlan& plan, std::span<const wire::ChosenSegment> chosen) const;
  [[nodiscard]] wire::ReadHeader header(const wire::ReadPlan& plan, wire::ReadKind kind, std::size_t rows,
                                        std::size_t columns) const;

  ShardPlace place_;
  std::vector<PlacedBlock> blocks_;     // until written
  std::vector<store::LogReader> logs_;  // what the memory borrows from
  IngestStats stats_;
  std::unique_ptr<ShardMemory> memory_;
};

}  // namespace larimar::shard

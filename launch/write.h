#pragma once
// The collective part of a write: one key memory for all shards, and one solution where the rules ask for it.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/comm/transport.h"
#include "common/memory/addresser.h"
#include "common/memory/rules.h"
#include "common/wire/plan.h"
#include "launch/setup.h"
#include "shard/shard_service.h"

namespace larimar::launch {

/// Where the rows of a codebook come from.
struct KeyMemorySource {
  std::filesystem::path m0;  // safetensors with one matrix [K, D] of F32; empty: k-means of a sample of the write keys
  std::uint64_t seed = 1;    // of k-means
};

/// This rank's write keys, to draw a sample from. On ranks that store nothing `rows` is 0 and `sample` empty.
struct KeySource {
  std::uint64_t rows = 0;
  std::function<shard::StoredSegments::KeySample(std::uint64_t stride)> sample;
};

/// K rows by k-means of a sample of all ranks' keys, on rank 0; empty elsewhere. The same keys give the same rows on any number
/// of ranks.
/// Calls   collective. Throws AgreedError for fewer keys than rows.
[[nodiscard]] linalg::Matrix learn_key_memory(comm::Transport& transport, const KeySource& keys, std::size_t slots,
                                              std::size_t key_size, std::uint64_t seed);

/// A matrix [K, D] from a safetensors file with that one tensor. Throws MissingInputError, FormatError (naming the
/// row of NaN or infinity). Local.
[[nodiscard]] linalg::Matrix read_key_memory(const std::filesystem::path& path, std::size_t key_size);

/// K of a codebook whose rows are in a file. Local. Throws as read_key_memory; ConfigError as memory::check.
void settle_slots(JobSetup& setup, std::size_t key_size);

/// The key memory on every rank, with the rules completed: K is known only now if it comes from a file. Null with stored keys.
/// Shapes  key_size D is that of the write keys. `shard` is null on ranks that store nothing.
/// Calls   collective. Throws AgreedError: a file that is missing or not such a matrix, NaN or infinity (row named), fewer keys than
///         rows, rules that memory::check refuses.
[[nodiscard]] std::shared_ptr<const memory::Addresser> share_key_memory(comm::Transport& transport,
                                                                        const KeyMemorySource& source,
                                                                        const shard::ShardService* shard,
                                                                        std::size_t key_size, std::size_t code_size,
                                                                        memory::MemoryRules& rules);

/// One least squares over all shards: each sends its sums, in ShardId order, rank 0 adds them in double, solves, and hands M
/// to all. Does nothing unless memory::is_solved_globally.
/// Calls   collective: p2p from each shard to rank 0, then a broadcast of K C floats. Throws AgreedError (NumericalError).
/// Cost    K (K + C) doubles from each shard; the solve K^2 (K + C) on rank 0.
void solve_together(comm::Transport& transport, const wire::RolePlan& roles, shard::ShardService* shard,
                    const memory::MemoryRules& rules, std::size_t code_size);

}  // namespace larimar::launch

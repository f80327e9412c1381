#include "launch/write.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "common/comm/agree.h"
#include "common/linalg/gram.h"
#include "common/model/safetensors.h"
#include "coordinator/codebook.h"

namespace larimar::launch {
namespace {

using linalg::Index;
using linalg::Matrix;

constexpr comm::Tag kStatistics{30};
constexpr std::uint64_t kSampleKeysPerRow = 64;  // of a codebook

struct Shape {
  std::uint64_t rows = 0, columns = 0;
};

/// In reading order, so that the codebook does not depend on the shards.
Matrix sort_sample(const std::vector<base::SegmentId>& ids, const std::vector<float>& keys, std::size_t key_size) {
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return ids[i]; });
  Matrix sorted(static_cast<Index>(ids.size()), static_cast<Index>(key_size));
  for (std::size_t i = 0; i < order.size(); ++i)
    std::memcpy(sorted.row(static_cast<Index>(i)).data(), &keys[order[i] * key_size], key_size * sizeof(float));
  return sorted;
}

}  // namespace

Matrix read_key_memory(const std::filesystem::path& path, std::size_t key_size) {
  const model::SafetensorsFile file(path);
  const auto refuse = [&](const std::string& found) -> base::FormatError {
    return base::FormatError(path.string() + " must hold one tensor, F32 [slots, " + std::to_string(key_size) +
                             "], as the key memory; it holds " + found);
  };
  if (file.tensors().size() != 1) throw refuse(std::to_string(file.tensors().size()) + " tensors");
  const auto& [name, tensor] = *file.tensors().begin();
  if (tensor.dtype != "F32" || tensor.shape.size() != 2 || tensor.shape[1] != key_size || tensor.shape[0] == 0) {
    std::string shape;
    for (const std::uint64_t extent : tensor.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    throw refuse("\"" + name + "\" " + tensor.dtype + " [" + shape + "]");
  }
  Matrix rows(static_cast<Index>(tensor.shape[0]), static_cast<Index>(key_size));
  std::memcpy(rows.data(), tensor.bytes.data(), tensor.bytes.size());
  for (Index row = 0; row < rows.rows(); ++row) {
    if (!rows.row(row).allFinite())
      throw base::FormatError(path.string() + ": tensor \"" + name + "\" row " + std::to_string(row) +
                              " has a component that is NaN or infinite");
  }
  return rows;
}

void settle_slots(JobSetup& setup, std::size_t key_size) {
  if (setup.memory.key_memory == memory::KeyMemory::kCodebook && !setup.m0.empty())
    setup.memory.slots = static_cast<std::size_t>(read_key_memory(setup.m0, key_size).rows());
  memory::check(setup.memory, key_size, 0);
}

Matrix learn_key_memory(comm::Transport& transport, const KeySource& source, std::size_t slots, std::size_t key_size,
                        std::uint64_t seed) {
  std::uint64_t rows = 0;
  for (const std::uint64_t count : transport.all_gather_one(source.rows)) rows += count;
  const std::uint64_t stride = std::max<std::uint64_t>(1, rows / (kSampleKeysPerRow * slots));
  const shard::StoredSegments::KeySample sample =
      source.rows > 0 ? source.sample(stride) : shard::StoredSegments::KeySample{};
  const auto counts64 = transport.all_gather_one(static_cast<std::uint64_t>(sample.ids.size()));
  std::vector<std::size_t> counts(counts64.begin(), counts64.end()), floats;
  for (const std::size_t count : counts) floats.push_back(count * key_size);
  const auto ids = transport.gather_varying(std::span<const base::SegmentId>(sample.ids), counts, 0);
  const auto keys =
      transport.gather_varying(std::span<const float>(sample.keys.data(), sample.ids.size() * key_size), floats, 0);
  return comm::together(transport, [&] {
    if (transport.rank() != 0) return Matrix();
    return coordinator::train_codebook(sort_sample(ids, keys, key_size), {.rows = slots, .seed = seed});
  });
}

std::shared_ptr<const memory::Addresser> share_key_memory(comm::Transport& transport, const KeyMemorySource& source,
                                                          const shard::ShardService* shard, std::size_t key_size,
                                                          std::size_t code_size, memory::MemoryRules& rules) {
  if (rules.key_memory == memory::KeyMemory::kStored) {
    comm::together(transport, [&] { memory::check(rules, key_size, code_size); });
    return nullptr;
  }
  KeySource keys;
  if (shard != nullptr) keys = {shard->key_rows(), [&](std::uint64_t stride) { return shard->sample_keys(stride); }};
  Matrix rows = source.m0.empty() ? learn_key_memory(transport, keys, rules.slots, key_size, source.seed)
                                  : comm::together(transport, [&] {
                                      return transport.rank() == 0 ? read_key_memory(source.m0, key_size) : Matrix();
                                    });
  Shape shape{static_cast<std::uint64_t>(rows.rows()), static_cast<std::uint64_t>(rows.cols())};
  transport.broadcast(std::span(&shape, 1), 0);
  rows.resize(static_cast<Index>(shape.rows), static_cast<Index>(shape.columns));
  transport.broadcast(std::span(rows.data(), static_cast<std::size_t>(rows.size())), 0);
  rules.slots = static_cast<std::size_t>(shape.rows);
  return comm::together(transport, [&] {
    memory::check(rules, key_size, code_size);
    return std::make_shared<const memory::Addresser>(std::move(rows), rules);
  });
}

void solve_together(comm::Transport& transport, const wire::RolePlan& roles, shard::ShardService* shard,
                    const memory::MemoryRules& rules, std::size_t code_size) {
  if (!memory::is_solved_globally(rules)) return;
  const Index slots = static_cast<Index>(rules.slots), latent = static_cast<Index>(code_size);
  std::vector<double> packed = shard != nullptr ? shard->statistics() : std::vector<double>{};
  std::optional<linalg::GramStatistics> sum;
  if (transport.rank() == 0) sum.emplace(slots, latent);
  for (const int rank : roles.shard_ranks) {
    if (transport.rank() == 0) {
      if (rank != 0) {
        packed.resize(linalg::GramStatistics::packed_size(slots, latent));
        transport.receive(std::span(packed), rank, kStatistics);
      }
      sum->merge_packed(packed);
    } else if (transport.rank() == rank) {
      transport.send(std::span(packed), 0, kStatistics);
    }
  }
  Matrix memory = comm::together(transport, [&] {
    return sum ? Matrix(sum->solve(std::nullopt, rules.ridge).memory.cast<float>()) : Matrix(slots, latent);
  });
  transport.broadcast(std::span(memory.data(), static_cast<std::size_t>(memory.size())), 0);
  comm::together(transport, [&] {
    if (shard != nullptr) shard->adopt(memory);
  });
}

}  // namespace larimar::launch

#pragma once
// A memory of codes that a seed makes, for measurements of how ingest and reads grow with the ranks.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/comm/counting_transport.h"
#include "common/linalg/matrix.h"
#include "coordinator/capacity_plan.h"
#include "coordinator/cost_model.h"
#include "shard/key_store.h"

namespace larimar::bench {

/// What one rank did in one step; on rank 0 beside it what the cost model says each rank sends.
struct Step {
  comm::Sent sent{};
  double cpu_seconds = 0;        // of this thread outside of messages
  double wall_seconds = 0;       // with all waiting
  std::size_t memory_bytes = 0;  // that this step took and keeps, of this process alone (Linux: RssAnon)
  std::vector<coordinator::RankCost> predicted{};  // [ranks] on rank 0
};

/// A folder that every rank sees, removed at the end by rank 0.
class SharedFolder {
 public:
  /// Within `parent`, or the system's temporary folder if that is empty. Calls collective. Throws AgreedError.
  SharedFolder(comm::Transport& transport, const std::filesystem::path& parent);
  ~SharedFolder();
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  bool mine_;
  std::filesystem::path path_;
};

/// Rows of codes [rows, 768] and unit keys [rows, width] in a file, the memory folder made of them, and read keys, of which every
/// second one is near to a stored key. Collective throughout; keys are on rank 0 only.
class ScalingMemory {
 public:
  /// `counting` goes over `transport`, or is null: then a step has its wall time only, without the cost of counting.
  ScalingMemory(comm::Transport& transport, comm::CountingTransport* counting, const std::filesystem::path& folder,
                std::size_t rows, std::size_t width);

  /// Writes the folder, as `larimar ingest --codes`. Throws what that throws.
  [[nodiscard]] Step ingest();
  /// What was opened and read by one key store.
  struct Reads {
    Step open{};
    std::vector<Step> single{}, batch{};  // a key each; kPlannedBatch keys each
  };
  /// Opens it and reads, as `larimar ask --keys`; all ranks do `between` before each single read.
  /// Throws NumericalError on rank 0 if a read does not find the best key.
  [[nodiscard]] Reads read(shard::KeyStore store, std::size_t singles, std::size_t batches,
                           const std::function<void()>& between = {});

  /// For the plan of the same memory; `store` and tokens (one for each row) do not matter to messages.
  [[nodiscard]] coordinator::MemoryShape shape(shard::KeyStore store) const;

 private:
  void check_best(const linalg::Matrix& queries, const std::vector<std::uint64_t>& found) const;

  template <class Work>
  Step measure(const Work& work);

  comm::CountingTransport* counting_;
  comm::Transport& transport_;  // that counts, if there is one
  std::filesystem::path codes_, memory_;
  std::size_t rows_, width_;
  linalg::Matrix keys_, queries_;  // on rank 0
};

}  // namespace larimar::bench

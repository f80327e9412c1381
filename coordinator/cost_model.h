#pragma once
// What collective steps cost before anybody runs them: messages and bytes of each rank, which are exact, and a time by latency,
// bandwidth and overhead, which is an estimate. Pure functions; the same trees as common/comm, and as MPI libraries broadcast short
// messages.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/wire/plan.h"

namespace larimar::coordinator {

/// A network as one rank sees it.
struct Network {
  double latency_seconds = 0;   // from the first byte out to the first byte in
  double bytes_per_second = 0;  // of one rank's link, in each direction; > 0
  double overhead_seconds = 0;  // of the processor, for each message sent and for each received
  std::size_t eager_bytes = 0;  // longer messages keep the sender until they have arrived
};

/// What one rank sends and receives.
struct RankCost {
  std::uint64_t messages_sent = 0, bytes_sent = 0;
  std::uint64_t messages_received = 0, bytes_received = 0;
  friend bool operator==(const RankCost&, const RankCost&) = default;
};

struct Cost {
  std::vector<RankCost> ranks;  // [ranks]
  double seconds = 0;           // until rank 0 has its result, computing left out
};

/// Adds up steps that follow each other on the same ranks, each of which begins when it has what it needs.
class CostModel {
 public:
  /// Throws ConfigError for fewer than one rank or a network without bandwidth.
  CostModel(int ranks, const Network& network);

  /// As Transport's broadcast from rank 0, all_gather (from kTreeFromRanks ranks on), merge_up and gather_varying to rank 0 do it.
  /// Sizes in bytes. Nothing is sent where there is nothing to say, but for a gather that is not sparse.
  void broadcast(std::size_t bytes);
  void all_gather(std::size_t bytes_of_each);
  template <class Bytes>  // size_t(int first, int last)
  void merge_up(Bytes&& bytes) {
    merge_below(0, bytes);
  }
  void gather(std::span<const std::size_t> bytes);
  /// A message to rank 0 from each rank that has anything, as launch::exchange_read brings codes. Shapes: bytes [ranks].
  void collect(std::span<const std::size_t> bytes) { bring(bytes, false); }
  /// As agree() without an error, and as broadcast_string.
  void agree() { all_gather(kAgreeBytes); }
  void broadcast_string(std::size_t bytes);

  [[nodiscard]] Cost cost() const;

 private:
  static constexpr std::size_t kAgreeBytes = 8;
  struct Clock {
    double now = 0;          // of the processor
    double out = 0, in = 0;  // when the link is free
  };
  [[nodiscard]] double on_wire(std::size_t bytes) const {
    return static_cast<double>(bytes) / network_.bytes_per_second;
  }
  void count(int from, int to, std::size_t bytes);
  /// The sender's part of a message; returns when its first byte leaves, once processor and link are free.
  double leave(int from, std::size_t bytes);
  void transfer(int from, int to, std::size_t bytes);
  void bring(std::span<const std::size_t> bytes, bool empty_too);
  void broadcast_below(int rank, std::size_t bytes);
  [[nodiscard]] std::vector<int> children_of(int rank) const;
  [[nodiscard]] int end_of(int rank) const;

  template <class Bytes>
  void merge_below(int rank, Bytes&& bytes) {
    for (const int child : children_of(rank)) {
      merge_below(child, bytes);
      const std::size_t size = bytes(child, end_of(child));
      if (size > 0) transfer(child, rank, size);
    }
  }

  Network network_;
  Cost cost_;
  std::vector<Clock> clocks_;
};

/// One batch of read keys, as launch::exchange_read sends it. Shapes: chosen [shards], the winners that each shard holds.
[[nodiscard]] Cost predict_read(const wire::ReadPlan& plan, const wire::RolePlan& roles,
                                std::span<const std::size_t> chosen, const Network& network);

/// Sizes that an ingest of codes into a new memory with stored keys sends around.
struct CodesIngest {
  std::size_t first_manifest = 0, last_manifest = 0;  // bytes, before the first and after the last block
  std::vector<std::size_t> logs{};                    // [shards] logs that each shard wrote
};
/// All that launch::ingest_codes sends. Codes and keys are not among it: shards read their own rows from the file.
[[nodiscard]] Cost predict_codes_ingest(const CodesIngest& sizes, const wire::RolePlan& roles, const Network& network);

/// Winners spread evenly, where nobody knows yet which they are. Returns [shards].
[[nodiscard]] std::vector<std::size_t> evenly_chosen(const wire::ReadPlan& plan, std::size_t shards);

}  // namespace larimar::coordinator

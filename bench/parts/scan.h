#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "bench/parts/measured.h"
#include "common/linalg/matrix.h"
#include "shard/key_index.h"

namespace larimar::bench {

inline constexpr shard::KeyStore kStores[] = {shard::KeyStore::kFloat32, shard::KeyStore::kBFloat16,
                                              shard::KeyStore::kInt8};

/// Unit rows of random directions, fast to make; the same for the same seed.
[[nodiscard]] linalg::Matrix random_directions(std::size_t rows, std::size_t width, std::uint64_t seed);
/// Queries as they are asked: every second one near to a key (cosine about 0.8), the others near to none.
[[nodiscard]] linalg::Matrix mixed_queries(const linalg::ConstMatrixRef& keys, std::size_t count, std::uint64_t seed);

/// The same keys in an index of each store. Float keys are borrowed: `keys` must outlive it.
class ScanSubject {
 public:
  explicit ScanSubject(linalg::ConstMatrixRef keys);

  [[nodiscard]] const shard::KeyIndex& index(shard::KeyStore store) const;
  /// All bytes that a pass over this store's components reads.
  [[nodiscard]] std::vector<std::span<const std::byte>> bytes(shard::KeyStore store) const;
  /// Throws NumericalError if the stores do not give the same bits for a query.
  void expect_equal_answers(linalg::ConstMatrixRef queries) const;

 private:
  linalg::ConstMatrixRef keys_;
  std::vector<shard::KeyIndex> indexes_;
};

inline constexpr std::size_t kBatch = 64;

/// Part "scan": every store, one query as a share of the bandwidth and a batch as a share of the peak. Each rank measures rows of
/// its own; rank 0's are reported.
[[nodiscard]] std::vector<Measured> scan_part(comm::Transport& transport, const BenchOptions& options);

}  // namespace larimar::bench

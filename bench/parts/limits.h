#pragma once
// What the machine can do at most, to be measured in the same rounds as what is compared with it.
#include <span>

#include "bench/parts/measured.h"
#include "common/linalg/matrix.h"

namespace larimar::bench {

/// Reading these bytes once, by the faster of two ways.
[[nodiscard]] Milliseconds read_all(std::span<const std::span<const std::byte>> pieces);

/// A product of square matrices by OpenBLAS, one thread. 2048 is what the peak is measured at.
class SquareProduct {
 public:
  explicit SquareProduct(linalg::Index size);
  [[nodiscard]] Milliseconds run();
  [[nodiscard]] double flops() const;

 private:
  linalg::Matrix a_, b_, out_;
};

/// Part "limits": bandwidth, peak, and the latency of messages where there are ranks.
[[nodiscard]] std::vector<Measured> limits_part(comm::Transport& transport, const BenchOptions& options);

}  // namespace larimar::bench

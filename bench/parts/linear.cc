#include "bench/parts/linear.h"

#include <string>

#include "bench/parts/limits.h"
#include "bench/parts/scan.h"
#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "common/linalg/float_linear.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;

/// Layers of one shape, one after another, as a pass through a network takes them.
class Layers {
 public:
  Layers(std::size_t inputs, std::size_t outputs, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      weights_.push_back(random_directions(outputs, inputs, i + 1));
      layers_.emplace_back(weights_.back(), std::span<const float>());
    }
  }

  void by_blas(const Matrix& x) {
    for (const Matrix& weights : weights_)
      linalg::multiply(x, linalg::Transpose::kNo, weights, linalg::Transpose::kYes, product_);
  }
  void by_layers(const Matrix& x) {
    for (const linalg::FloatLinear& layer : layers_) {
      y_.resize(x.rows(), static_cast<Index>(layer.stride()));
      layer.apply({x.data(), static_cast<std::size_t>(x.size())}, {y_.data(), static_cast<std::size_t>(y_.size())});
    }
  }
  /// After both, for the same x.
  void expect_equal() const {
    const double worst = (y_.leftCols(product_.cols()) - product_).cwiseAbs().maxCoeff();
    if (!(worst < 1e-4)) throw base::NumericalError("a layer and OpenBLAS differ by " + std::to_string(worst));
  }
  [[nodiscard]] std::vector<std::span<const std::byte>> bytes() const {
    std::vector<std::span<const std::byte>> pieces;
    for (const Matrix& weights : weights_)
      pieces.push_back(std::as_bytes(std::span(weights.data(), static_cast<std::size_t>(weights.size()))));
    return pieces;
  }
  [[nodiscard]] double flops(Index rows) const {
    return 2.0 * static_cast<double>(rows * weights_.front().size()) * static_cast<double>(weights_.size());
  }

 private:
  std::vector<Matrix> weights_;
  std::vector<linalg::FloatLinear> layers_;
  Matrix product_, y_;
};

}  // namespace

std::vector<Measured> linear_part(comm::Transport&, const BenchOptions& options) {
  const std::size_t inputs = options.quick ? 48 : 576, outputs = options.quick ? 100 : 3072;
  Layers layers(inputs, outputs, options.quick ? 2 : 24);
  SquareProduct square(options.quick ? 128 : 2048);
  static_cast<void>(square.run());
  std::vector<Measured> lines;
  for (const Index rows : {1, 8, 64, 512}) {
    const Matrix x = random_directions(static_cast<std::size_t>(rows), inputs, 99);
    std::vector<double> ratios, shares;
    for (int round = 0; round < options.rounds; ++round) {
      const double blas = time_of([&] { layers.by_blas(x); }).cpu, own = time_of([&] { layers.by_layers(x); }).cpu;
      const double limit =
          rows == 1 ? read_all(layers.bytes()).cpu : layers.flops(rows) / (square.flops() / square.run().cpu);
      ratios.push_back(blas / own);
      shares.push_back(limit / own);
    }
    layers.expect_equal();
    lines.push_back({"linear",
                     std::to_string(rows) + (rows == 1 ? " row" : " rows") + " through layers of " +
                         std::to_string(inputs) + " to " + std::to_string(outputs),
                     median(ratios), "times OpenBLAS", rows == 1 ? "read from memory" : "sgemm", median(shares)});
  }
  return lines;
}

}  // namespace larimar::bench

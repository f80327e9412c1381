#include "bench/parts/linear.h"

#include <algorithm>
#include <string>
#include <utility>

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
      transposed_.emplace_back(weights_.back().transpose());
      layers_.emplace_back(weights_.back(), std::span<const float>());
    }
  }

  /// The fastest that other libraries do: OpenBLAS's product with weights of either layout, and for one row Eigen's.
  [[nodiscard]] double by_others(const Matrix& x) {
    const auto product = [&](const std::vector<Matrix>& all, linalg::Transpose transpose) {
      return time_of([&] {
               for (const Matrix& weights : all)
                 linalg::multiply(x, linalg::Transpose::kNo, weights, transpose, product_);
             })
          .cpu;
    };
    double best = std::min(product(weights_, linalg::Transpose::kYes), product(transposed_, linalg::Transpose::kNo));
    if (x.rows() > 1) return best;
    for (const auto& [all, rows_are_outputs] : {std::pair{&weights_, true}, std::pair{&transposed_, false}}) {
      const double eigen = time_of([&] {
                             for (const Matrix& weights : *all) {
                               if (rows_are_outputs)
                                 product_.row(0).noalias() = x.row(0) * weights.transpose();
                               else
                                 product_.row(0).noalias() = x.row(0) * weights;
                             }
                           }).cpu;
      best = std::min(best, eigen);
    }
    return best;
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
    if (!(worst < 1e-4))
      throw base::NumericalError("a layer and the other libraries differ by " + std::to_string(worst));
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
  std::vector<Matrix> weights_, transposed_;
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
      const double others = layers.by_others(x), own = time_of([&] { layers.by_layers(x); }).cpu;
      const double limit =
          rows == 1 ? read_all(layers.bytes()).cpu : layers.flops(rows) / (square.flops() / square.run().cpu);
      ratios.push_back(others / own);
      shares.push_back(limit / own);
    }
    layers.expect_equal();
    lines.push_back({"linear",
                     std::to_string(rows) + (rows == 1 ? " row" : " rows") + " through layers of " +
                         std::to_string(inputs) + " to " + std::to_string(outputs),
                     median(ratios), "times the fastest of OpenBLAS and Eigen",
                     rows == 1 ? "read from memory" : "sgemm", median(shares)});
  }
  return lines;
}

}  // namespace larimar::bench

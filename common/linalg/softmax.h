#pragma once
#include <span>

#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// A softmax-weighted mean in parts:  m = max logit,  l = sum exp(x - m),  o = sum exp(x - m) z.  Two parts combine to the
/// part of their union, in any order and any tree, exactly but for rounding. The empty part is m = -infinity, l = 0, o = 0.
/// Owns o in double. Source: the streaming softmax, Milakov and Gimelshein, arXiv 1805.02867.
class SoftmaxPartial {
 public:
  /// latent >= 1 (ShapeError).
  explicit SoftmaxPartial(Index latent);
  /// From what another rank sent. Throws CommError for l < 0, NaN, or a part that contradicts itself (l = 0 with m finite).
  SoftmaxPartial(double m, double l, std::span<const float> o);

  /// One more value z [latent] with its logit. Throws NumericalError if the logit is NaN or infinite.
  void add(double logit, std::span<const float> z);
  /// Throws ShapeError if the widths differ.
  void merge(const SoftmaxPartial& other);

  [[nodiscard]] double m() const { return m_; }
  [[nodiscard]] double l() const { return l_; }
  [[nodiscard]] const Eigen::RowVectorXd& o() const { return o_; }
  /// o / l; zero for the empty part.
  [[nodiscard]] RowVector mean() const;

 private:
  double m_;
  double l_ = 0.0;
  Eigen::RowVectorXd o_;
};

}  // namespace larimar::linalg

#include "common/linalg/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "common/base/error.h"

namespace larimar::linalg {

SoftmaxPartial::SoftmaxPartial(Index latent) : m_(-std::numeric_limits<double>::infinity()) {
  if (latent < 1)
    throw base::ShapeError("a softmax read needs codes of at least one component, not " + std::to_string(latent));
  o_ = Eigen::RowVectorXd::Zero(latent);
}

SoftmaxPartial::SoftmaxPartial(double m, double l, std::span<const float> o)
    : m_(m), l_(l), o_(Eigen::Map<const RowVector>(o.data(), static_cast<Index>(o.size())).cast<double>()) {
  const bool empty = std::isinf(m) && m < 0.0 && l == 0.0 && o_.isZero(0.0);
  const bool filled = std::isfinite(m) && std::isfinite(l) && l > 0.0 && o_.allFinite();
  if (o.empty() || !(empty || filled)) {
    throw base::CommError("a shard sent a softmax part that contradicts itself (m " + std::to_string(m) + ", l " +
                          std::to_string(l) + ", " + std::to_string(o.size()) +
                          " components); all ranks must run the same version");
  }
}

void SoftmaxPartial::add(double logit, std::span<const float> z) {
  if (!std::isfinite(logit))
    throw base::NumericalError("a softmax logit is " + std::to_string(logit) +
                               "; check the keys and the temperature it comes from");
  if (static_cast<Index>(z.size()) != o_.size())
    throw base::ShapeError("a code of " + std::to_string(z.size()) + " components cannot join a softmax read of " +
                           std::to_string(o_.size()));
  const Eigen::Map<const RowVector> code(z.data(), o_.size());
  const double top = std::max(m_, logit);
  const double old_share = l_ > 0.0 ? std::exp(m_ - top) : 0.0;
  const double new_share = std::exp(logit - top);
  l_ = l_ * old_share + new_share;
  o_ = o_ * old_share + code.cast<double>() * new_share;
  m_ = top;
}

void SoftmaxPartial::merge(const SoftmaxPartial& other) {
  if (other.o_.size() != o_.size())
    throw base::ShapeError("softmax parts of code size " + std::to_string(o_.size()) + " and " +
                           std::to_string(other.o_.size()) + " cannot be combined; all shards must agree on C");
  if (other.l_ == 0.0) return;
  const double top = std::max(m_, other.m_);
  const double own_share = l_ > 0.0 ? std::exp(m_ - top) : 0.0;
  const double other_share = std::exp(other.m_ - top);
  l_ = l_ * own_share + other.l_ * other_share;
  o_ = o_ * own_share + other.o_ * other_share;
  m_ = top;
}

RowVector SoftmaxPartial::mean() const {
  if (l_ == 0.0) return RowVector::Zero(o_.size());
  return (o_ / l_).cast<float>();
}

}  // namespace larimar::linalg

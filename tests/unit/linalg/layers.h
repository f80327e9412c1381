#pragma once
// What the tests of linear layers share.
#include <hwy/targets.h>

#include <cstdint>
#include <span>

#include "common/linalg/matrix.h"

namespace larimar::linalg {

inline std::span<const float> all_of(const Matrix& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}
inline std::span<float> all_of(Matrix& matrix) { return {matrix.data(), static_cast<std::size_t>(matrix.size())}; }

/// What a layer makes of x, without what fills up its rows.
template <class Layer>
Matrix applied(const Layer& layer, const Matrix& x) {
  Matrix y(x.rows(), static_cast<Index>(layer.stride()));
  layer.apply(all_of(x), all_of(y));
  return y.leftCols(static_cast<Index>(layer.outputs()));
}

/// One instruction set; back to the best when it goes.
class OnTarget {
 public:
  explicit OnTarget(std::int64_t target) { use(target); }
  ~OnTarget() { use(0); }
  OnTarget(const OnTarget&) = delete;
  OnTarget& operator=(const OnTarget&) = delete;

 private:
  static void use(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

}  // namespace larimar::linalg

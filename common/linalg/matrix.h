#pragma once
#include <Eigen/Core>

namespace larimar::linalg {

/// The one matrix of the interfaces: float, dynamic, row-major; a row is a code, a key or a weight vector.
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixF64 = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowVector = Eigen::Matrix<float, 1, Eigen::Dynamic, Eigen::RowMajor>;
/// Inputs: any row-major view whose rows lie one after another or with a stride.
using ConstMatrixRef = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;
using Index = Eigen::Index;

}  // namespace larimar::linalg

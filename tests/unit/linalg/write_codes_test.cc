#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "common/linalg/least_squares.h"
#include "common/linalg/pseudo_inverse.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::kDoubleRounding;
using reference::kFloatRounding;
using reference::random_matrix;
using reference::relative_error;
using reference::with_singular_values;

/// The exact problem: W = Z P in double, never rounded.
MatrixF64 exact_write(const Matrix& Z, const Matrix& P, double ridge) {
  const Eigen::MatrixXd W = Z.cast<double>() * P.cast<double>();
  Eigen::MatrixXd stacked(W.rows() + W.cols(), W.cols()), right(W.rows() + W.cols(), Z.cols());
  stacked << W, Eigen::MatrixXd::Identity(W.cols(), W.cols()) * std::sqrt(ridge);
  right << Z.cast<double>(), Eigen::MatrixXd::Zero(W.cols(), Z.cols());
  return stacked.colPivHouseholderQr().solve(right);
}

double condition_of(const Matrix& Z, const Matrix& P) {
  const Eigen::MatrixXd W = Z.cast<double>() * P.cast<double>();
  const Eigen::VectorXd values = Eigen::JacobiSVD<Eigen::MatrixXd>(W).singularValues();
  return values(0) / values(values.size() - 1);
}

TEST(WriteCodes, ManySegmentsAreWithinTheAcceptedErrorOfTheExactProblem) {
  const Matrix P = pseudo_inverse(random_matrix(24, 40, 1)).cast<float>();
  for (const Index segments : {25, 60, 200, 1000}) {
    const Matrix Z = random_matrix(segments, 40, 2);
    for (const double ridge : {0.0, 0.5}) {
      const Matrix found = write_codes({.codes = Z, .inverse = P, .ridge = ridge});
      // In float if the probes accept it, otherwise in double with W rounded to float, which counts as often as W's condition.
      const double rounded = 8.0 * kFloatRounding * condition_of(Z, P);
      EXPECT_LE(relative_error(found, exact_write(Z, P, ridge)), kAcceptedError + rounded)
          << segments << " segments, ridge " << ridge;
    }
  }
}

TEST(WriteCodes, FewSegmentsAreReadBackAsTheyWereWritten) {
  const Matrix P = pseudo_inverse(random_matrix(40, 60, 3)).cast<float>();
  for (const Index segments : {1, 10, 36, 40}) {
    const Matrix Z = random_matrix(segments, 60, 4), W = Z * P;
    const Matrix memory = write_codes({.codes = Z, .inverse = P});
    const MatrixF64 read = W.cast<double>() * memory.cast<double>();
    // The memory is rounded to float, W once more here than there.
    const double bound = 100.0 * kFloatRounding * static_cast<double>(W.norm() * memory.norm() / Z.norm());
    EXPECT_LE(relative_error(read, Z), bound) << segments;
    if (segments <= 36) {
      EXPECT_LE(relative_error(read, Z), 1e-4) << segments;
    }
  }
}

TEST(WriteCodes, IllConditionedCodesFallBackToDouble) {
  // cond(W)^2 = 1e8 is beyond what float normal equations can do; the way through double must be taken, not a wrong result.
  const Matrix P = pseudo_inverse(Matrix::Identity(20, 30)).cast<float>();
  const Matrix Z = with_singular_values(300, 30, 10.0, 1e-3, 5);
  const Matrix W = Z * P;
  const reference::Write exact = reference::solve_write(W, Z, Matrix::Zero(20, 30), 0.0);
  const double bound = kFloatRounding + 8.0 * 20.0 * exact.condition * kDoubleRounding;
  EXPECT_LE(relative_error(write_codes({.codes = Z, .inverse = P}), exact.memory), bound + 1e-9);
}

TEST(WriteCodes, AnAcceptedErrorOfZeroIsTheSolveInDouble) {
  const Matrix P = pseudo_inverse(random_matrix(24, 40, 6)).cast<float>(), Z = random_matrix(300, 40, 7);
  Matrix found = write_codes({.codes = Z, .inverse = P, .accepted_error = 0.0});
  EXPECT_LE(relative_error(found, exact_write(Z, P, 0.0)), 8.0 * kFloatRounding * condition_of(Z, P));
  found = write_codes({.codes = Z, .inverse = P, .accepted_error = 1e-12});
  EXPECT_LE(relative_error(found, exact_write(Z, P, 0.0)), 8.0 * kFloatRounding * condition_of(Z, P))
      << "no float result is that good";
}

TEST(SolveWrite, InFloatStaysWithinTheAcceptedError) {
  const Matrix W = random_matrix(400, 30, 8), Z = random_matrix(400, 10, 9);
  const reference::Write exact = reference::solve_write(W, Z, Matrix::Zero(30, 10), 0.25);
  const WriteProblem problem{
      .addressing = W, .codes = Z, .prior = std::nullopt, .ridge = 0.25, .accepted_error = kAcceptedError};
  const double error = relative_error(solve_write(problem), exact.memory);
  EXPECT_LE(error, kAcceptedError);
  EXPECT_GT(error, kFloatRounding) << "the fast way was taken";
}

TEST(WriteCodes, RefusesBadInput) {
  const Matrix P = random_matrix(6, 4, 10), Z = random_matrix(9, 6, 11);
  EXPECT_THROW((void)write_codes({.codes = random_matrix(9, 5, 1), .inverse = P}), base::ShapeError);
  EXPECT_THROW((void)write_codes({.codes = Z, .inverse = Matrix(6, 0)}), base::ShapeError) << "K = 0";
  EXPECT_THROW((void)write_codes({.codes = Z, .inverse = P, .ridge = -1.0}), base::ConfigError);
  for (const double bad : {-1e-9, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW((void)write_codes({.codes = Z, .inverse = P, .accepted_error = bad}), base::ConfigError);
    EXPECT_THROW((void)solve_write({.addressing = Z, .codes = Z, .prior = std::nullopt, .accepted_error = bad}),
                 base::ConfigError);
  }
  Matrix bad_codes = Z, bad_inverse = P;
  bad_codes(7, 2) = std::numeric_limits<float>::quiet_NaN();
  bad_inverse(3, 1) = std::numeric_limits<float>::infinity();
  try {
    (void)write_codes({.codes = bad_codes, .inverse = P});
    FAIL() << "NaN was accepted";
  } catch (const base::NumericalError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("codes row 7, column 2"));
  }
  EXPECT_THROW((void)write_codes({.codes = Z, .inverse = bad_inverse}), base::NumericalError);
  EXPECT_EQ(write_codes({.codes = Matrix(0, 6), .inverse = P}), Matrix::Zero(4, 6)) << "nothing written";
}

}  // namespace
}  // namespace larimar::linalg

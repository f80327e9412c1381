#pragma once
#include <cstddef>
#include <cstdint>

#include "common/linalg/matrix.h"

namespace larimar::coordinator {

struct CodebookOptions {
  std::size_t rows = 0;  // K >= 1, at most the size of the sample
  std::uint64_t seed = 1;
  std::size_t max_iterations = 10;  // stops earlier when no key changes its row
};

/// K rows that spread over a sample of write keys, for `codebook` addressing: k-means on the unit sphere. The start is
/// greedy k-means++ (each next row is the best of four keys drawn with probability proportional to the squared distance
/// to the rows so far); a row that loses all its keys moves to the key that is worst served. Every row has unit length, so the nearest row in the Euclidean
/// sense is the one with the greatest cosine.
/// Shapes  sample [keys, D]; returns [rows, D].
/// Units   keys of unit length, as a KeyEncoder gives them; others are scaled to it first. A zero key is refused.
/// Calls   local. The same sample, options and build give the same bits on every machine.
/// Throws  ConfigError if rows is 0 or above the number of keys; NumericalError naming the row of a key that is NaN,
///         infinite or zero.
/// Cost    8 keys rows D flops for the start, 2 keys rows D for each iteration.
/// Source  k-means++: Arthur and Vassilvitskii, 2007; spherical k-means: Dhillon and Modha, 2001.
[[nodiscard]] linalg::Matrix train_codebook(linalg::ConstMatrixRef sample, const CodebookOptions& options);

}  // namespace larimar::coordinator

#pragma once
#include "common/linalg/matrix.h"
#include "eval/random.h"

namespace larimar::eval {

/// Codes [segments, C] as a read may give them back. All keep the shape; local; linear.

/// Gaussian noise on every float: each row's noise has the expected power of that row, lowered by `decibels`.
[[nodiscard]] linalg::Matrix add_noise(linalg::ConstMatrixRef codes, double decibels, Random& random);

/// `share` times the next row added to each row, the first to the last. One row alone stays as it is.
[[nodiscard]] linalg::Matrix superpose(linalg::ConstMatrixRef codes, float share);

/// Rounded to IEEE half precision and back.
[[nodiscard]] linalg::Matrix round_to_float16(linalg::ConstMatrixRef codes);

/// Rounded to the whole numbers -127 ... 127 times one scale for each row, and back.
[[nodiscard]] linalg::Matrix round_to_int8(linalg::ConstMatrixRef codes);

}  // namespace larimar::eval

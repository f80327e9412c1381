#include "cluster/simulation/synthetic.h"

#include <numeric>
#include <vector>

#include "common/base/random.h"
#include "common/linalg/matrix.h"
#include "common/model/safetensors.h"

namespace larimar::simulation {
namespace {

using linalg::Index;
using linalg::Matrix;

float centred(base::Random& random) { return static_cast<float>(random.next() >> 40) / 8388608.0F - 1.0F; }

Matrix random_rows(base::Random& random, std::uint64_t rows, std::uint64_t columns) {
  Matrix matrix(static_cast<Index>(rows), static_cast<Index>(columns));
  for (Index row = 0; row < matrix.rows(); ++row)
    for (Index column = 0; column < matrix.cols(); ++column) matrix(row, column) = centred(random);
  return matrix;
}

model::TensorView view(const Matrix& matrix) {
  return {"F32",
          {static_cast<std::uint64_t>(matrix.rows()), static_cast<std::uint64_t>(matrix.cols())},
          std::as_bytes(std::span(matrix.data(), static_cast<std::size_t>(matrix.size())))};
}

}  // namespace

void make_synthetic(const std::filesystem::path& folder, const Synthetic& sizes) {
  base::Random random(sizes.seed);
  const Matrix codes = random_rows(random, sizes.rows, sizes.code_size);
  Matrix keys = random_rows(random, sizes.rows, sizes.key_size);
  keys.rowwise().normalize();
  for (Index row = 16; row < keys.rows(); row += 16) keys.row(row) = keys.row(row / 2 + 1);
  std::vector<std::int64_t> ids(sizes.rows);
  std::iota(ids.rbegin(), ids.rend(), 1000);  // the lowest id comes last, so that ties are not settled by reading order
  model::write_safetensors(
      folder / "codes.safetensors",
      {{"z", view(codes)}, {"keys", view(keys)}, {"ids", {"I64", {sizes.rows}, std::as_bytes(std::span(ids))}}}, {});
  Matrix queries = random_rows(random, sizes.queries, sizes.key_size);
  for (Index q = 0; q + 1 < queries.rows(); ++q) {
    const auto near = static_cast<Index>(random.next() % sizes.rows);
    queries.row(q) = keys.row(near) + 0.02F * queries.row(q);
  }
  queries.rowwise().normalize();
  model::write_safetensors(folder / "queries.safetensors", {{"keys", view(queries)}}, {});
}

}  // namespace larimar::simulation

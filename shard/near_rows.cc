#include "shard/near_rows.h"

#include <algorithm>

#include "common/base/contracts.h"
#include "common/linalg/blas.h"
#include "common/wire/read.h"
#include "shard/scan_kernels.h"
#include "shard/shortlist.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;

// Scores of a block stay in the first-level cache, and a block of bf16 rows in the second for a second query.
constexpr std::size_t kPassBlock = 128;
// A block of floats is packed once by the product and read from there by all queries.
constexpr std::size_t kBatchBlock = 512;

/// One query while rows go by.
struct Asked {
  ScanQuery query;
  Shortlist near;
};

struct Block {
  std::size_t first = 0;
  std::span<const float> bounds{};
};

void offer_block(const ScannedKeys& all, const Block& block, std::span<const float> scores, Asked& asked,
                 std::vector<std::uint32_t>& found) {
  const float norm = asked.query.norm;
  const std::size_t hits = find_reaching(scores, block.bounds, norm, asked.near.threshold() - kLeastBound, found);
  for (std::size_t i = 0; i < hits; ++i) {
    const std::size_t place = found[i], row = block.first + place;
    if (all.owners[row].segment == wire::kAbsent.segment) continue;
    asked.near.offer(static_cast<std::uint32_t>(row), scores[place], block.bounds[place] * norm + kLeastBound,
                     all.owners[row].segment);
  }
}

void pass_each(const ScannedKeys& all, std::vector<Asked>& asked) {
  std::vector<float> scores(kPassBlock);
  std::vector<std::uint32_t> found(kPassBlock);
  for (std::size_t first = 0; first < all.scanned.size();) {
    const std::size_t count = all.scanned.run(first, kPassBlock);
    const Block block{first, all.scanned.bounds(first, count)};
    for (Asked& one : asked) {
      all.scanned.score(first, one.query, std::span(scores).first(count));
      offer_block(all, block, std::span(scores).first(count), one, found);
    }
    first += count;
  }
}

/// Rows of a block as floats, in place or widened. Shapes  [rows, width or padded width].
Eigen::Map<const Matrix> floats_of(const ScannedKeys& all, std::size_t first, std::size_t count,
                                   std::vector<float>& wide) {
  if (all.scanned.store() == KeyStore::kFloat32)
    return {all.keys.run(first, count).data(), static_cast<Index>(count), static_cast<Index>(all.keys.width())};
  const std::size_t width = all.scanned.padded();
  all.scanned.widen(first, count, std::span(wide).first(count * width));
  return {wide.data(), static_cast<Index>(count), static_cast<Index>(width)};
}

void multiply_blocks(const ScannedKeys& all, linalg::ConstMatrixRef queries, std::vector<Asked>& asked) {
  const bool floats = all.scanned.store() == KeyStore::kFloat32;
  const auto width = static_cast<Index>(floats ? all.keys.width() : all.scanned.padded());
  Matrix padded = Matrix::Zero(queries.rows(), width);
  padded.leftCols(queries.cols()) = queries;
  std::vector<float> wide(floats ? 0 : kBatchBlock * static_cast<std::size_t>(width));
  std::vector<std::uint32_t> found(kBatchBlock);
  Matrix scores;
  for (std::size_t first = 0; first < all.scanned.size();) {
    std::size_t count = all.scanned.run(first, kBatchBlock);
    if (floats) count = all.keys.run(first, count).size() / all.keys.width();
    linalg::multiply(padded, linalg::Transpose::kNo, floats_of(all, first, count, wide), linalg::Transpose::kYes, scores);
    const Block block{first, all.scanned.bounds(first, count)};
    for (std::size_t q = 0; q < asked.size(); ++q)
      offer_block(all, block, {scores.row(static_cast<Index>(q)).data(), count}, asked[q], found);
    first += count;
  }
}

}  // namespace

std::vector<std::vector<std::uint32_t>> near_rows(const ScannedKeys& all, linalg::ConstMatrixRef queries,
                                                  std::size_t k) {
  LARIMAR_EXPECT(all.keys.size() == all.scanned.size() && all.owners.size() == all.keys.size());
  std::vector<Asked> asked;
  for (Index q = 0; q < queries.rows(); ++q)
    asked.push_back({all.scanned.prepare({queries.row(q).data(), static_cast<std::size_t>(queries.cols())}), Shortlist(k)});
  if (asked.size() < least_batch(all.scanned.store())) {
    pass_each(all, asked);
  } else {
    multiply_blocks(all, queries, asked);
  }
  std::vector<std::vector<std::uint32_t>> rows;
  for (const Asked& one : asked) rows.push_back(one.near.rows());
  return rows;
}

}  // namespace larimar::shard

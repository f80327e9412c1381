#include "shard/near_rows.h"

#include <algorithm>
#include <limits>

#include "common/base/contracts.h"
#include "common/wire/read.h"
#include "shard/hits.h"
#include "shard/scan_kernels.h"
#include "shard/shortlist.h"

namespace larimar::shard {
namespace {

using linalg::Index;

// Scores of a block stay in the first-level cache, and a block of bf16 rows in the second for a second query.
constexpr std::size_t kPassBlock = 128;
// Eight tiles of the batch kernels; widened they lie in the second-level cache, beside the queries.
constexpr std::size_t kBatchBlock = 48;
// Queries whose components fit there: 64 of 768 floats are 192 KiB.
constexpr std::size_t kBatchQueries = 64;

/// One query while rows go by.
struct Asked {
  ScanQuery query;
  Shortlist near;
};

struct Block {
  std::size_t first = 0;
  std::span<const float> bounds{};
};

void offer(const ScannedKeys& all, std::size_t row, float score, float bound, Asked& asked) {
  if (all.owners[row].segment == wire::kAbsent.segment) return;
  asked.near.offer(static_cast<std::uint32_t>(row), score, bound * asked.query.norm + kLeastBound,
                   all.owners[row].segment);
}

void offer_block(const ScannedKeys& all, const Block& block, std::span<const float> scores, Asked& asked,
                 std::vector<std::uint32_t>& found) {
  const std::size_t hits =
      find_reaching(scores, block.bounds, asked.query.norm, asked.near.threshold() - kLeastBound, found);
  for (std::size_t i = 0; i < hits; ++i) {
    const std::size_t place = found[i];
    offer(all, block.first + place, scores[place], block.bounds[place], asked);
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

/// The next block of float rows.
std::span<const std::byte> floats_from(const RowStore& keys, std::size_t first) {
  return first < keys.size() ? std::as_bytes(keys.run(first, kBatchBlock)) : std::span<const std::byte>();
}

void pass_together(const ScannedKeys& all, linalg::ConstMatrixRef queries, std::span<Asked> asked) {
  const bool floats = all.scanned.store() == KeyStore::kFloat32;
  const ScanBatch batch = all.scanned.prepare_batch(queries);
  const std::size_t padded = batch.packed.padded();
  std::vector<float> scores(kBatchBlock * padded), thresholds(padded, std::numeric_limits<float>::infinity());
  std::vector<Hit> hits(scores.size());
  ScanScratch scratch;
  for (std::size_t first = 0; first < all.scanned.size();) {
    std::size_t count = all.scanned.run(first, kBatchBlock);
    if (floats) count = all.keys.run(first, count).size() / all.keys.width();
    const std::span<float> found(scores.data(), count * padded);
    const std::span<const float> bounds = all.scanned.bounds(first, count);
    if (floats)
      linalg::dot_batch(all.keys.run(first, count), batch.packed, floats_from(all.keys, first + count), found);
    else
      all.scanned.score_batch(first, batch, scratch, found);
    for (std::size_t q = 0; q < asked.size(); ++q) thresholds[q] = asked[q].near.threshold() - kLeastBound;
    const std::size_t hit_count = find_hits(found, bounds, batch.norms, thresholds, hits);
    for (std::size_t i = 0; i < hit_count; ++i) {
      const std::size_t row = hits[i].row, q = hits[i].query;
      offer(all, first + row, found[row * padded + q], bounds[row], asked[q]);
    }
    first += count;
  }
}

}  // namespace

std::vector<std::vector<std::uint32_t>> near_rows(const ScannedKeys& all, linalg::ConstMatrixRef queries,
                                                  std::size_t k) {
  LARIMAR_EXPECT(all.keys.size() == all.scanned.size() && all.owners.size() == all.keys.size());
  std::vector<Asked> asked;
  for (Index q = 0; q < queries.rows(); ++q)
    asked.push_back(
        {all.scanned.prepare({queries.row(q).data(), static_cast<std::size_t>(queries.cols())}), Shortlist(k)});
  if (asked.size() < least_batch(all.scanned.store())) {
    pass_each(all, asked);
  } else {
    for (std::size_t q = 0; q < asked.size(); q += kBatchQueries) {
      const std::size_t count = std::min(kBatchQueries, asked.size() - q);
      pass_together(all, queries.middleRows(static_cast<Index>(q), static_cast<Index>(count)),
                    std::span(asked).subspan(q, count));
    }
  }
  std::vector<std::vector<std::uint32_t>> rows;
  for (const Asked& one : asked) rows.push_back(one.near.rows());
  return rows;
}

}  // namespace larimar::shard

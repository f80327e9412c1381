#include "shard/key_index.h"

#include <algorithm>
#include <set>
#include <string>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/linalg/fixed_dot.h"
#include "shard/best_segments.h"
#include "shard/lane_sum.h"
#include "shard/near_rows.h"

namespace larimar::shard {
namespace {

// 64 rows of 384 floats are 96 KiB: they stay in a core's second-level cache while all queries pass over them.
constexpr std::size_t kRowBlock = 64;
constexpr double kMaxSquaredNorm = 1e36;

std::size_t checked_key_size(linalg::Index key_size) {
  if (key_size < 1)
    throw base::ShapeError("keys need at least one component, but the key size is " + std::to_string(key_size));
  return static_cast<std::size_t>(key_size);
}

void check_wanted(std::size_t k) {
  if (k == 0) throw base::ShapeError("a read must ask for at least one segment, but k is 0");
}

void append_padded(std::span<const wire::Candidate> best, std::size_t k, std::vector<wire::Candidate>& out) {
  out.insert(out.end(), best.begin(), best.end());
  out.insert(out.end(), k - best.size(), wire::kAbsent);
}

}  // namespace

KeyIndex::KeyIndex(linalg::Index key_size, KeyIndexOptions options)
    : keys_(checked_key_size(key_size), options.rows_per_chunk),
      scanned_(options.store, keys_.width(), options.rows_per_piece, std::move(options.folder)) {}

void KeyIndex::check(linalg::ConstMatrixRef keys, const char* name) const {
  if (keys.cols() != key_size()) {
    throw base::ShapeError(std::string(name) + " have " + std::to_string(keys.cols()) +
                           " components but this memory's keys have " + std::to_string(key_size()) +
                           "; reads and writes need the same key encoder");
  }
  for (linalg::Index r = 0; r < keys.rows(); ++r) {
    const std::span<const float> key(keys.row(r).data(), static_cast<std::size_t>(keys.cols()));
    const double squared_norm =
        lane_sum(key.size(), [&](std::size_t i) { return static_cast<double>(key[i]) * static_cast<double>(key[i]); });
    // Written so that NaN fails too.
    if (!(squared_norm <= kMaxSquaredNorm)) {
      throw base::NumericalError(
          std::string(name) + " row " + std::to_string(r) +
          " has a component that is NaN, infinite or too large (norm above 1e18); check the key encoder");
    }
  }
}

void KeyIndex::append(linalg::ConstMatrixRef keys, std::span<const KeyOwner> owners, Keep keep) {
  check(keys, "write keys");
  if (static_cast<std::size_t>(keys.rows()) != owners.size()) {
    throw base::ShapeError("there are " + std::to_string(keys.rows()) + " write keys but owners for " +
                           std::to_string(owners.size()));
  }
  owners_.insert(owners_.end(), owners.begin(), owners.end());
  scanned_.append(keys);
  if (keep == Keep::kCopy) {
    keys_.append(keys);
  } else {
    LARIMAR_EXPECT(keys.rows() < 2 || keys.outerStride() == keys.cols());
    keys_.append_borrowed({keys.data(), static_cast<std::size_t>(keys.size())});
  }
}

void KeyIndex::erase(const std::unordered_set<base::SegmentId>& segments) {
  for (KeyOwner& owner : owners_) {
    if (segments.contains(owner.segment)) owner.segment = wire::kAbsent.segment;
  }
}

std::vector<std::uint32_t> KeyIndex::rows_of(const std::unordered_set<base::SlotIndex>& slots) const {
  std::vector<std::uint32_t> found;
  for (std::size_t row = 0; row < owners_.size(); ++row) {
    if (slots.contains(owners_[row].slot)) found.push_back(static_cast<std::uint32_t>(row));
  }
  return found;
}

/// offer(query, row, score) for every query and every row that is not erased.
template <class Offer>
void KeyIndex::scan_all(linalg::ConstMatrixRef queries, const Offer& offer) const {
  check(queries, "read keys");
  const linalg::Matrix packed = queries;
  const std::size_t query_count = static_cast<std::size_t>(queries.rows());
  const std::span<const float> query_values(packed.data(), static_cast<std::size_t>(packed.size()));
  std::vector<float> scores(kRowBlock * query_count);
  for (std::size_t first = 0; first < rows();) {
    const std::span<const float> block = keys_.run(first, kRowBlock);
    const std::size_t count = block.size() / keys_.width();
    const std::span<float> block_scores(scores.data(), count * query_count);
    linalg::dot_scores({.rows = block, .queries = query_values, .width = keys_.width(), .scores = block_scores});
    for (std::size_t q = 0; q < query_count; ++q) {
      for (std::size_t r = 0; r < count; ++r) {
        if (owners_[first + r].segment != wire::kAbsent.segment) offer(q, first + r, block_scores[q * count + r]);
      }
    }
    first += count;
  }
}

std::vector<base::SegmentId> KeyIndex::matches(linalg::ConstMatrixRef query, float threshold) const {
  LARIMAR_EXPECT(query.rows() == 1);
  std::set<base::SegmentId> found;
  scan_all(query, [&](std::size_t, std::size_t row, float score) {
    if (score >= threshold) found.insert(owners_[row].segment);
  });
  return {found.begin(), found.end()};
}

std::vector<wire::Candidate> KeyIndex::scan(linalg::ConstMatrixRef queries, std::size_t k) const {
  check_wanted(k);
  const std::size_t query_count = static_cast<std::size_t>(queries.rows());
  std::vector<wire::Candidate> result;
  result.reserve(query_count * k);
  if (scanned_.store() == KeyStore::kFloat32 && query_count < least_batch(KeyStore::kFloat32)) {
    std::vector<BestSegments> best(query_count, BestSegments(k));
    scan_all(queries, [&](std::size_t q, std::size_t row, float score) {
      best[q].offer({.score = score, .slot = owners_[row].slot, .segment = owners_[row].segment});
    });
    for (const BestSegments& one : best) append_padded(one.best(), k, result);
    return result;
  }
  check(queries, "read keys");
  const auto near = near_rows({keys_, scanned_, owners_}, queries, k);
  for (std::size_t q = 0; q < query_count; ++q) {
    const auto best = best_of({queries.row(static_cast<linalg::Index>(q)).data(), keys_.width()}, near[q], k);
    result.insert(result.end(), best.begin(), best.end());
  }
  return result;
}

std::vector<wire::Candidate> KeyIndex::scan_rows(linalg::ConstMatrixRef query, std::span<const std::uint32_t> rows,
                                                 std::size_t k) const {
  check_wanted(k);
  check(query, "read keys");
  LARIMAR_EXPECT(query.rows() == 1);
  return best_of({query.data(), keys_.width()}, rows, k);
}

std::vector<wire::Candidate> KeyIndex::best_of(std::span<const float> query, std::span<const std::uint32_t> rows,
                                               std::size_t k) const {
  BestSegments best(k);
  for (const std::uint32_t row : rows) {
    LARIMAR_EXPECT(row < keys_.size());
    if (owners_[row].segment == wire::kAbsent.segment) continue;
    float score = 0.0F;
    linalg::dot_scores({.rows = keys_.row(row), .queries = query, .width = keys_.width(), .scores = {&score, 1}});
    best.offer({.score = score, .slot = owners_[row].slot, .segment = owners_[row].segment});
  }
  std::vector<wire::Candidate> result;
  append_padded(best.best(), k, result);
  return result;
}

}  // namespace larimar::shard

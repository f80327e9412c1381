#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shard/best_segments.h"

namespace larimar::shard {

/// The rows that may still be among the k best segments of a query, when scores are only known to lie within a bound. A row
/// is certain to be out once k other segments have scores that are surely higher; all others are kept, so the exact
/// scores of what is left give the exact answer, ties included.
class Shortlist {
 public:
  explicit Shortlist(std::size_t k) : sure_(k) {}

  /// The exact score of this row of this segment is within score +- bound.
  void offer(std::uint32_t row, float score, float bound, base::SegmentId segment);
  /// Rows whose score + bound is below this are out.
  [[nodiscard]] float threshold() const { return sure_.threshold(); }
  /// What is left, in the order of the offers.
  [[nodiscard]] std::vector<std::uint32_t> rows() const;

 private:
  struct Entry {
    std::uint32_t row = 0;
    float most = 0.0F;  // its score is not higher
  };
  void drop_what_is_out();

  BestSegments sure_;  // by the scores that they have at least
  std::vector<Entry> entries_;
  std::size_t room_ = 1024;
};

}  // namespace larimar::shard

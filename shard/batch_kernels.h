#pragma once
// Scores of many queries against a block of rows, one version for each instruction set, chosen at run time (Highway). Rows are
// read where they lie and each of their components is spread over a register of queries, so only the queries are laid out anew, once
// for all blocks. Against a general product of matrices this saves the copy of the rows, which such a product makes of every block.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace larimar::shard {

/// Queries side by side, as the kernels take them: in groups, each component of a group's queries one after another. Missing queries
/// of the last group are zero. A unit is a float, or two neighbouring int16 components, which one instruction multiplies and adds.
class PackedQueries {
 public:
  /// Shapes  queries [count, width], one after another; width even for int16.
  PackedQueries(std::span<const float> queries, std::size_t width);
  PackedQueries(std::span<const std::int16_t> queries, std::size_t width);

  [[nodiscard]] std::size_t width() const { return width_; }
  /// Queries with those that fill up the last group: the row length of scores.
  [[nodiscard]] std::size_t padded() const { return groups_ * group_; }
  [[nodiscard]] std::size_t groups() const { return groups_; }
  [[nodiscard]] const std::uint32_t* units() const { return units_.data(); }

 private:
  void pack(const std::uint32_t* queries, std::size_t count, std::size_t units);

  std::size_t width_, group_, groups_ = 0;
  std::vector<std::uint32_t> units_;  // [groups, units, group]
};

/// scores[r, q] = <row r, query q>, each a sum in float from the first component to the last, fused. `next` is what will be wanted
/// after this: it is fetched from memory meanwhile; may be empty.
/// Shapes  rows [count, width], scores [count, padded].
void dot_batch(std::span<const float> rows, const PackedQueries& queries, std::span<const std::byte> next,
               std::span<float> scores);
/// scores[r, q] = factors[q] * scales[r] * <row r, query q> with exact sums, as dot_int8.
/// Shapes  rows as int16 [count, width], scales [count], factors [padded]. Units as dot_int8.
void dot_batch(std::span<const std::int16_t> rows, const PackedQueries& queries, std::span<const float> scales,
               std::span<const float> factors, std::span<const std::byte> next, std::span<float> scores);

/// A row and a query whose score may reach the query's threshold.
struct Hit {
  std::uint32_t row = 0, query = 0;
};
/// All r, q with scores[r, q] + bounds[r] * norms[q] >= thresholds[q], rows rising. Returns how many.
/// Shapes  scores [bounds.size(), norms.size()], thresholds as norms, found as long as scores.
[[nodiscard]] std::size_t find_hits(std::span<const float> scores, std::span<const float> bounds,
                                    std::span<const float> norms, std::span<const float> thresholds,
                                    std::span<Hit> found);

}  // namespace larimar::shard

#pragma once
// Scores of many vectors, called queries, against a block of rows, one version for each instruction set, chosen at run time (Highway). Rows are
// read where they lie and each of their components is spread over a register of queries, so only the queries are laid out anew, once
// for all blocks. Against a general product of matrices this saves the copy of the rows, which such a product makes of every block.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace larimar::linalg {

/// Queries side by side, as the kernels take them: in groups, each component of a group's queries one after another. Missing queries
/// of the last group are zero. A unit is a float, or two neighbouring int16 components, which one instruction multiplies and adds.
class PackedVectors {
 public:
  /// Shapes  queries [count, width], one after another; width even for int16.
  PackedVectors(std::span<const float> queries, std::size_t width);
  PackedVectors(std::span<const std::int16_t> queries, std::size_t width);

  [[nodiscard]] std::size_t width() const { return width_; }
  /// Queries with those that fill up the last group: the row length of scores.
  [[nodiscard]] std::size_t padded() const { return groups_ * group_; }
  [[nodiscard]] std::size_t groups() const { return groups_; }
  [[nodiscard]] const std::uint32_t* units() const { return units_.data(); }
  /// A query of floats as it was given, to [width].
  void copy_floats(std::size_t query, std::span<float> to) const;

 private:
  void pack(const std::uint32_t* queries, std::size_t count, std::size_t units);

  std::size_t width_, group_, groups_ = 0;
  std::vector<std::uint32_t> units_;  // [groups, units, group]
};

/// scores[r, q] = <row r, query q>, each a sum in float from the first component to the last, fused. `next` is what will be wanted
/// after this: it is fetched from memory meanwhile; may be empty.
/// Shapes  rows [count, width], scores [count, padded].
void dot_batch(std::span<const float> rows, const PackedVectors& queries, std::span<const std::byte> next,
               std::span<float> scores);
/// The same with a number added to each at the end: scores[r, q] = <row r, query q> + offsets[q].
/// Shapes  offsets [padded] or empty; scores [count, stride], of which the first `padded` of each row are written.
void dot_batch(std::span<const float> rows, const PackedVectors& queries, std::span<const float> offsets,
               std::size_t stride, float* scores);

/// What becomes of the exact sums of integers.
struct IntegerScales {
  std::span<const float> rows;          // [count] of each row
  std::span<const float> queries;       // [padded] of each query
  std::span<const float> offsets = {};  // [padded] added at the end; empty: nothing
};
/// scores[r, q] = queries[q] * rows[r] * <row r, query q> + offsets[q] with exact sums in int32: no sum of products of a row and a query,
/// taken absolutely, may exceed 2^31 - 1. The same bits on every instruction set.
/// Shapes  rows as int16 [count, width]; scores [count, stride], of which the first `padded` of each row are written.
void dot_batch(std::span<const std::int16_t> rows, const PackedVectors& queries, const IntegerScales& scales,
               std::span<const std::byte> next, std::size_t stride, float* scores);

}  // namespace larimar::linalg

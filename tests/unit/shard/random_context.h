#pragma once
#include <random>
#include <vector>

#include "common/linalg/matrix.h"
#include "shard/key_index.h"
#include "shard/shard_memory.h"

namespace larimar::tests {

/// Segments with codes and unit keys from a seed; `keys_per_segment` > 1 gives some segments several keys.
struct RandomContext {
  std::vector<shard::SegmentInfo> segments;
  linalg::Matrix codes;              // [segments, C]
  linalg::Matrix keys;               // [rows, D], unit length
  std::vector<std::uint32_t> owner;  // [rows]

  struct Size {
    std::size_t segments = 0;
    linalg::Index code_size = 0;
    linalg::Index key_size = 0;
    std::size_t keys_per_segment = 1;
  };

  RandomContext(const Size& size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < size.segments; ++i) {
      const std::uint32_t document = static_cast<std::uint32_t>(i % 3);
      segments.push_back({.id = base::make_segment_id(document, 100 * i),
                          .document = document,
                          .byte_begin = 100 * i,
                          .byte_end = 100 * i + 90,
                          .line = i + 1});
      for (std::size_t key = 0; key < 1 + random() % size.keys_per_segment; ++key)
        owner.push_back(static_cast<std::uint32_t>(i));
    }
    codes = linalg::Matrix::NullaryExpr(static_cast<linalg::Index>(size.segments), size.code_size,
                                        [&] { return normal(random); });
    keys = linalg::Matrix::NullaryExpr(static_cast<linalg::Index>(owner.size()), size.key_size,
                                       [&] { return normal(random); });
    for (linalg::Index r = 0; r < keys.rows(); ++r) keys.row(r).normalize();
  }

  [[nodiscard]] shard::AppendBatch batch() const {
    return {.segments = segments, .codes = codes, .keys = keys, .key_owner = owner};
  }

  /// The segments whose number leaves `part` when divided by `parts`.
  [[nodiscard]] RandomContext share(std::size_t part, std::size_t parts) const {
    RandomContext result;
    std::vector<linalg::Index> code_rows, key_rows;
    for (std::size_t row = 0, i = 0; i < segments.size(); ++i) {
      for (; row < owner.size() && owner[row] == i; ++row) {
        if (i % parts != part) continue;
        key_rows.push_back(static_cast<linalg::Index>(row));
        result.owner.push_back(static_cast<std::uint32_t>(result.segments.size()));
      }
      if (i % parts != part) continue;
      result.segments.push_back(segments[i]);
      code_rows.push_back(static_cast<linalg::Index>(i));
    }
    result.codes = codes(code_rows, Eigen::all);
    result.keys = keys(key_rows, Eigen::all);
    return result;
  }

 private:
  RandomContext() = default;
};

/// Whose each key is. Returns [rows].
inline std::vector<shard::KeyOwner> owners_of(const RandomContext& context) {
  std::vector<shard::KeyOwner> owners;
  for (const std::uint32_t owner : context.owner)
    owners.push_back({.slot = {owner}, .segment = context.segments[owner].id});
  return owners;
}

inline linalg::Matrix random_unit_rows(linalg::Index rows, linalg::Index columns, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  linalg::Matrix result = linalg::Matrix::NullaryExpr(rows, columns, [&] { return normal(random); });
  for (linalg::Index r = 0; r < rows; ++r) result.row(r).normalize();
  return result;
}

}  // namespace larimar::tests

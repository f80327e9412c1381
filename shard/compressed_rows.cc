#include "shard/compressed_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "common/base/contracts.h"
#include "shard/lane_sum.h"
#include "shard/scan_kernels.h"

namespace larimar::shard {
namespace {

constexpr std::size_t kPieceBytes = 8U << 20;  // four huge pages
constexpr double kUnit = 0x1p-24;              // u: half a unit in the last place of a float
constexpr float kLeastComponent = 1e-30F;      // rows below it are stored as zero: their scale would underflow

double square(double value) { return value * value; }

double squared_norm(std::span<const float> values) {
  return lane_sum(values.size(), [&](std::size_t i) { return square(static_cast<double>(values[i])); });
}

/// Not below `value`, whose own rounding in double it covers too.
float rounded_up(double value) {
  return std::nextafter(static_cast<float>(value * (1.0 + 0x1p-30)), std::numeric_limits<float>::infinity());
}

/// What sums of products in float may lose, for vectors of length 1, in whatever order they are added up.
double rounding_of(std::size_t padded) { return (2.0 * static_cast<double>(padded) + 128.0) * kUnit; }

float largest(std::span<const float> values) {
  float found = 0.0F;
  for (const float value : values) found = std::max(found, std::abs(value));
  return found;
}

/// Query integers reach this far, so that no sum of products passes 2^31 - 1.
int query_reach(std::size_t width) {
  const std::size_t most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) / (127 * width);
  return static_cast<int>(std::clamp<std::size_t>(most, 1, 32767));
}

/// To the nearest, ties to even. Keys stay below 1e18, so nothing becomes infinite.
std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

float from_bf16(std::uint16_t value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16U); }

/// Squared length of what a row lost.
double store_bf16(std::span<const float> row, std::uint16_t* out) {
  for (std::size_t i = 0; i < row.size(); ++i) out[i] = to_bf16(row[i]);
  return lane_sum(row.size(), [&](std::size_t i) {
    return square(static_cast<double>(row[i]) - static_cast<double>(from_bf16(out[i])));
  });
}

double store_int8(std::span<const float> row, std::int8_t* out, float& scale) {
  const float most = largest(row);
  scale = most < kLeastComponent ? 0.0F : most / 127.0F;
  const float inverse = scale == 0.0F ? 0.0F : 127.0F / most;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const float value = std::clamp(row[i] * inverse, -127.0F, 127.0F);
    out[i] = static_cast<std::int8_t>(static_cast<int>(value + std::copysign(0.5F, value)));
  }
  const auto step = static_cast<double>(scale);
  return lane_sum(row.size(), [&](std::size_t i) {
    return square(static_cast<double>(row[i]) - step * static_cast<double>(out[i]));
  });
}

}  // namespace

CompressedRows::CompressedRows(KeyStore store, std::size_t width, std::size_t rows_per_piece,
                               std::filesystem::path folder)
    : store_(store),
      width_(width),
      padded_(padded_width(width)),
      rows_per_piece_(rows_per_piece),
      folder_(std::move(folder)) {
  LARIMAR_EXPECT(width > 0);
  if (rows_per_piece_ == 0) rows_per_piece_ = std::max<std::size_t>(1, kPieceBytes / (row_bytes() + 2 * sizeof(float)));
}

std::size_t CompressedRows::row_bytes() const {
  if (store_ == KeyStore::kFloat32) return 0;
  return store_ == KeyStore::kInt8 ? padded_ : padded_ * sizeof(std::uint16_t);
}

CompressedRows::Piece CompressedRows::piece_of(std::size_t row) const {
  std::byte* start = pieces_[row / rows_per_piece_].data();
  const std::size_t place = row % rows_per_piece_, components = rows_per_piece_ * row_bytes();
  auto* scales = reinterpret_cast<float*>(start + components);
  return {start + place * row_bytes(), scales + place, scales + rows_per_piece_ + place};
}

void CompressedRows::append(linalg::ConstMatrixRef rows) {
  LARIMAR_EXPECT(static_cast<std::size_t>(rows.cols()) == width_);
  for (linalg::Index r = 0; r < rows.rows(); ++r) {
    if (size_ % rows_per_piece_ == 0)
      pieces_.emplace_back(rows_per_piece_ * (row_bytes() + 2 * sizeof(float)), folder_);
    store_row({rows.row(r).data(), width_}, piece_of(size_));
    ++size_;
  }
}

void CompressedRows::store_row(std::span<const float> row, const Piece& place) const {
  double lost = 0.0, query_loss = 0.0;
  if (store_ == KeyStore::kBFloat16) {
    lost = store_bf16(row, reinterpret_cast<std::uint16_t*>(place.components));
  } else if (store_ == KeyStore::kInt8) {
    lost = store_int8(row, reinterpret_cast<std::int8_t*>(place.components), *place.scales);
    // A component of the query is off by half a step at most, and a step is at most norm / reach.
    query_loss = 0.5 * std::sqrt(static_cast<double>(width_)) / query_reach(width_);
  }
  const double distance = std::sqrt(lost), length = std::sqrt(squared_norm(row)) + distance;
  *place.bounds = rounded_up(distance + (query_loss + rounding_of(padded_)) * length);
}

ScanQuery CompressedRows::prepare(std::span<const float> query) const {
  LARIMAR_EXPECT(query.size() == width_);
  ScanQuery result;
  const double norm = std::sqrt(squared_norm(query));
  result.norm = rounded_up(norm);
  if (store_ == KeyStore::kBFloat16) {
    result.floats.assign(padded_, 0.0F);
    for (std::size_t i = 0; i < width_; ++i) result.floats[i / 2 + (i % 2) * (padded_ / 2)] = query[i];
  } else if (store_ == KeyStore::kInt8) {
    result.integers.assign(padded_, 0);
    const float most = largest(query);
    if (most < kLeastComponent) {  // as zero, with bounds that cover the whole product
      result.norm = rounded_up(norm / rounding_of(padded_));
      return result;
    }
    const auto reach = static_cast<float>(query_reach(width_));
    result.factor = most / reach;
    for (std::size_t i = 0; i < width_; ++i)
      result.integers[i] = static_cast<std::int16_t>(std::lrint(std::clamp(query[i] * (reach / most), -reach, reach)));
  }
  return result;
}

std::size_t CompressedRows::run(std::size_t first, std::size_t limit) const {
  LARIMAR_EXPECT(first < size_ && limit > 0);
  return std::min({limit, rows_per_piece_ - first % rows_per_piece_, size_ - first});
}

void CompressedRows::score(std::size_t first, const ScanQuery& query, std::span<float> scores) const {
  LARIMAR_EXPECT(run(first, scores.size()) == scores.size() && store_ != KeyStore::kFloat32);
  const Piece place = piece_of(first);
  const std::size_t count = scores.size();
  if (store_ == KeyStore::kBFloat16) {
    dot_bf16({reinterpret_cast<const std::uint16_t*>(place.components), count * padded_}, query.floats, scores);
  } else {
    dot_int8({reinterpret_cast<const std::int8_t*>(place.components), count * padded_}, query.integers,
             {place.scales, count}, query.factor, scores);
  }
}

ScanBatch CompressedRows::prepare_batch(linalg::ConstMatrixRef queries) const {
  const std::size_t count = static_cast<std::size_t>(queries.rows());
  const std::size_t width = store_ == KeyStore::kFloat32 ? width_ : padded_;
  std::vector<float> norms, factors, floats(store_ == KeyStore::kInt8 ? 0 : count * width);
  std::vector<std::int16_t> integers;
  for (std::size_t q = 0; q < count; ++q) {
    const std::span<const float> query(queries.row(static_cast<linalg::Index>(q)).data(), width_);
    const ScanQuery prepared = prepare(query);
    norms.push_back(prepared.norm);
    factors.push_back(prepared.factor);
    integers.insert(integers.end(), prepared.integers.begin(), prepared.integers.end());
    if (store_ != KeyStore::kInt8) std::ranges::copy(query, floats.data() + q * width);
  }
  ScanBatch batch{store_ == KeyStore::kInt8 ? linalg::PackedVectors(std::span<const std::int16_t>(integers), width)
                                            : linalg::PackedVectors(std::span<const float>(floats), width)};
  norms.resize(batch.packed.padded());
  factors.resize(batch.packed.padded());
  batch.norms = std::move(norms);
  batch.factors = std::move(factors);
  return batch;
}

void CompressedRows::score_batch(std::size_t first, const ScanBatch& batch, ScanScratch& scratch,
                                 std::span<float> scores) const {
  const std::size_t rows = scores.size() / batch.packed.padded(), values = rows * padded_;
  LARIMAR_EXPECT(run(first, rows) == rows && store_ != KeyStore::kFloat32);
  const Piece place = piece_of(first);
  const std::size_t left = first + rows < size_ ? run(first + rows, rows) : 0;
  const std::span<const std::byte> next = left == 0 ? std::span<const std::byte>() : components(first + rows, left);
  if (store_ == KeyStore::kBFloat16) {
    scratch.floats.resize(values);
    widen_bf16({reinterpret_cast<const std::uint16_t*>(place.components), values}, scratch.floats);
    linalg::dot_batch(scratch.floats, batch.packed, next, scores);
  } else {
    scratch.integers.resize(values);
    widen_int8({reinterpret_cast<const std::int8_t*>(place.components), values}, scratch.integers);
    linalg::dot_batch(scratch.integers, batch.packed, {{place.scales, rows}, batch.factors}, next,
                      batch.packed.padded(), scores.data());
  }
}

std::span<const float> CompressedRows::bounds(std::size_t first, std::size_t rows) const {
  LARIMAR_EXPECT(run(first, rows) == rows);
  return {piece_of(first).bounds, rows};
}

std::span<const std::byte> CompressedRows::components(std::size_t first, std::size_t rows) const {
  LARIMAR_EXPECT(run(first, rows) == rows);
  return {piece_of(first).components, rows * row_bytes()};
}

}  // namespace larimar::shard

#include "bench/parts/scan.h"

#include <string>

#include "bench/parts/limits.h"
#include "common/base/error.h"
#include "common/base/random.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;
using shard::KeyStore;

constexpr std::size_t kRows = 250'000;

/// What a store did in one round, beside its limits.
struct Rounds {
  std::vector<double> ms{}, bandwidth_share{}, batch_gflops{}, peak_share{};
};

void measure(const ScanSubject& subject, const Matrix& queries, KeyStore store, int round, double peak,
             Rounds& result) {
  const shard::KeyIndex& index = subject.index(store);
  const auto query = queries.row(round % queries.rows());
  const Milliseconds limit = read_all(subject.bytes(store));
  const Milliseconds one = time_of([&] { static_cast<void>(index.scan(query, 1)); });
  const Milliseconds batch = time_of([&] { static_cast<void>(index.scan(queries, 1)); });
  const double flops = 2.0 * static_cast<double>(index.rows()) * static_cast<double>(index.key_size()) * kBatch;
  result.ms.push_back(one.cpu);
  result.bandwidth_share.push_back(limit.cpu / one.cpu);
  result.batch_gflops.push_back(flops * 1e-6 / batch.cpu);
  result.peak_share.push_back(result.batch_gflops.back() / peak);
}

}  // namespace

Matrix random_directions(std::size_t rows, std::size_t width, std::uint64_t seed) {
  base::Random random(seed);
  Matrix result(static_cast<Index>(rows), static_cast<Index>(width));
  for (Index i = 0; i < result.size(); ++i) {
    const std::uint64_t bits = random.next();  // the sum of four 16-bit numbers is near enough to normal
    const std::uint64_t sum = (bits & 0xFFFFU) + ((bits >> 16U) & 0xFFFFU) + ((bits >> 32U) & 0xFFFFU) + (bits >> 48U);
    result.data()[i] = static_cast<float>(static_cast<std::int64_t>(sum) - 131'070);
  }
  result.rowwise().normalize();
  return result;
}

Matrix mixed_queries(const linalg::ConstMatrixRef& keys, std::size_t count, std::uint64_t seed) {
  Matrix queries = random_directions(count, static_cast<std::size_t>(keys.cols()), seed);
  for (Index q = 0; q < queries.rows(); q += 2) {
    queries.row(q) = 0.8F * keys.row(q * 7919 % keys.rows()) + 0.6F * queries.row(q);
    queries.row(q).normalize();
  }
  return queries;
}

ScanSubject::ScanSubject(linalg::ConstMatrixRef keys) : keys_(keys) {
  std::vector<shard::KeyOwner> owners;
  for (std::uint32_t row = 0; row < static_cast<std::uint32_t>(keys.rows()); ++row) owners.push_back({{row}, {row}});
  for (const KeyStore store : kStores) {
    indexes_.emplace_back(keys.cols(), shard::KeyIndexOptions{.store = store});
    indexes_.back().append(keys, owners, shard::Keep::kBorrow);
  }
}

const shard::KeyIndex& ScanSubject::index(KeyStore store) const { return indexes_[static_cast<std::size_t>(store)]; }

std::vector<std::span<const std::byte>> ScanSubject::bytes(KeyStore store) const {
  if (store == KeyStore::kFloat32)
    return {std::as_bytes(std::span(keys_.data(), static_cast<std::size_t>(keys_.size())))};
  const shard::CompressedRows& rows = index(store).scanned();
  std::vector<std::span<const std::byte>> pieces;
  for (std::size_t first = 0; first < rows.size();) {
    const std::size_t count = rows.run(first, rows.size());
    pieces.push_back(rows.components(first, count));
    first += count;
  }
  return pieces;
}

void ScanSubject::expect_equal_answers(linalg::ConstMatrixRef queries) const {
  const auto expected = index(KeyStore::kFloat32).scan(queries.row(0), 4);
  for (const KeyStore store : kStores) {
    const auto batch = index(store).scan(queries, 4);
    if (index(store).scan(queries.row(0), 4) != expected ||
        !std::equal(expected.begin(), expected.end(), batch.begin()))
      throw base::NumericalError("a scan of " + shard::name_of(store) +
                                 " keys does not give the bits of the exact scan");
  }
}

std::vector<Measured> scan_part(comm::Transport&, const BenchOptions& options) {
  const std::size_t rows = options.quick      ? 2000
                           : options.rows > 0 ? options.rows
                                              : kRows,
                    width = options.quick ? 96 : options.width;
  const Matrix keys = random_directions(rows, width, 1), queries = mixed_queries(keys, kBatch, 2);
  const ScanSubject subject(keys);
  subject.expect_equal_answers(queries);
  SquareProduct product(options.quick ? 128 : 2048);
  static_cast<void>(product.run());
  Rounds rounds[std::size(kStores)];
  for (int round = 0; round < options.rounds; ++round) {
    const double peak = product.flops() * 1e-6 / product.run().cpu;
    for (const KeyStore store : kStores)
      measure(subject, queries, store, round, peak, rounds[static_cast<std::size_t>(store)]);
  }
  std::vector<Measured> lines;
  for (const KeyStore store : kStores) {
    const Rounds& found = rounds[static_cast<std::size_t>(store)];
    const std::string name = shard::name_of(store) + " keys, " + std::to_string(rows) + " x " + std::to_string(width);
    lines.push_back(
        {"scan", name + ", one query", median(found.ms), "ms", "read from memory", median(found.bandwidth_share)});
    lines.push_back(
        {"scan", name + ", 64 queries", median(found.batch_gflops), "GFLOP/s", "sgemm", median(found.peak_share)});
  }
  return lines;
}

}  // namespace larimar::bench

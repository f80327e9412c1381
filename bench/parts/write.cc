#include "bench/parts/write.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "bench/parts/limits.h"
#include "bench/parts/scaling_memory.h"
#include "bench/parts/scan.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "common/linalg/least_squares.h"
#include "common/linalg/pseudo_inverse.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;
using shard::KeyStore;

/// Segments n into K slots of C floats by normal equations: W = Z P, W'W (one half), W'Z, Cholesky, two solves.
double flops_of_write(double n, double k, double c) {
  return 4 * n * k * c + n * k * k + k * k * k / 3 + 2 * k * k * c;
}

void expect_exact(const Matrix& codes, const Matrix& inverse, const Matrix& found) {
  const Matrix weights = codes * inverse;
  const Matrix exact = linalg::solve_write({.addressing = weights, .codes = codes, .prior = {}});
  if ((found - exact).norm() > 1e-3F * exact.norm())
    throw base::NumericalError("the dense write of the bench is not the least-squares one");
}

Measured dense_write(const BenchOptions& options) {
  const Index slots = options.quick ? 32 : 512, latent = options.quick ? 48 : 768, segments = 4 * slots;
  const auto gaussian = [](Index rows, Index columns, std::uint64_t seed) {
    return random_directions(static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), seed);
  };
  const Matrix inverse = linalg::pseudo_inverse(gaussian(slots, latent, 1)).cast<float>();
  const Matrix codes = gaussian(segments, latent, 2);
  expect_exact(codes, inverse, linalg::write_codes({.codes = codes, .inverse = inverse}));
  SquareProduct product(options.quick ? 128 : 2048);
  static_cast<void>(product.run());
  std::vector<double> ms, shares;
  const double flops =
      flops_of_write(static_cast<double>(segments), static_cast<double>(slots), static_cast<double>(latent));
  Matrix found;
  for (int round = 0; round < options.rounds; ++round) {
    const double peak = product.flops() / product.run().cpu;
    ms.push_back(time_of([&] { found = linalg::write_codes({.codes = codes, .inverse = inverse}); }).cpu);
    shares.push_back(flops / ms.back() / peak);
  }
  return {
      "write",
      "dense write of " + std::to_string(segments) + " codes to " + std::to_string(slots) + " slots, normal equations",
      median(ms),
      "ms",
      "sgemm",
      median(shares)};
}

Measured append_keys(const BenchOptions& options, KeyStore store) {
  const std::size_t rows = options.quick ? 2000 : 50'000, width = options.quick ? 96 : options.width;
  const Matrix keys = random_directions(rows, width, 1);
  std::vector<shard::KeyOwner> owners;
  for (std::uint32_t row = 0; row < static_cast<std::uint32_t>(rows); ++row) owners.push_back({{row}, {row}});
  const std::vector<std::span<const std::byte>> bytes{std::as_bytes(std::span(keys.data(), rows * width))};
  std::vector<double> rates, shares;
  for (int round = 0; round < options.rounds; ++round) {
    const double limit = read_all(bytes).cpu;
    const double taken = time_of([&] {
                           shard::KeyIndex index(keys.cols(), {.store = store});
                           index.append(keys, owners, shard::Keep::kCopy);
                         }).cpu;
    rates.push_back(1e-3 * static_cast<double>(rows) / taken);
    shares.push_back(limit / taken);
  }
  return {"write",
          "keys of " + std::to_string(width) + " floats into a store of " + shard::name_of(store),
          median(rates),
          "M keys/s",
          "read from memory",
          median(shares)};
}

std::uint64_t bytes_of_logs(const std::filesystem::path& memory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(memory))
    bytes += entry.path().filename().string().starts_with("log.") ? entry.file_size() : 0;
  return bytes;
}

/// By all ranks together; rank 0 writes the file that it is compared with.
Measured to_disk(comm::Transport& transport, const BenchOptions& options) {
  const std::size_t rows = options.quick ? 2000 : 16'384, width = options.quick ? 96 : options.width;
  std::vector<double> rates, shares;
  for (int round = 0; round < std::min(options.rounds, 5); ++round) {
    const SharedFolder folder(transport, options.folder);
    ScalingMemory memory(transport, nullptr, folder.path(), rows, width);
    const double taken = memory.ingest().wall_seconds;
    if (transport.rank() == 0) {
      const std::vector<char> bytes(bytes_of_logs(folder.path() / "memory"), 'x');
      const base::Stopwatch watch;
      base::write_file(folder.path() / "plain", {bytes.data(), bytes.size()});
      rates.push_back(1e-6 * static_cast<double>(bytes.size()) / taken);
      shares.push_back(watch.seconds() / taken);
    }
    transport.barrier();  // rank 0 removes the folder
  }
  if (transport.rank() != 0) return {};
  return {"write",       "codes and keys into a memory folder, on disk", median(rates), "MB/s", "one file, on disk",
          median(shares)};
}

}  // namespace

std::vector<Measured> write_part(comm::Transport& transport, const BenchOptions& options) {
  std::vector<Measured> lines{dense_write(options)};
  for (const KeyStore store : kStores) lines.push_back(append_keys(options, store));
  lines.push_back(to_disk(transport, options));
  return lines;
}

}  // namespace larimar::bench

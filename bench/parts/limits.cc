#include "bench/parts/limits.h"

#include <algorithm>
#include <array>
#include <limits>

#include "common/base/clock.h"
#include "common/linalg/blas.h"
#include "shard/key_memory.h"
#include "shard/scan_kernels.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;

/// The sums must go somewhere, or the compiler reads nothing.
std::uint64_t volatile keep_sum;

Measured bandwidth(const BenchOptions& options) {
  const std::size_t bytes = options.quick ? std::size_t{4} << 20 : std::size_t{512} << 20;
  shard::KeyMemory memory(bytes);
  std::fill_n(memory.data(), bytes, std::byte{1});
  const std::array pieces{std::span<const std::byte>(memory.data(), bytes)};
  std::vector<double> rates;
  for (int i = 0; i < options.rounds; ++i) rates.push_back(static_cast<double>(bytes) * 1e-6 / read_all(pieces).cpu);
  return {"limits", "read from memory", median(rates), "GB/s", "", 0};
}

Measured peak(const BenchOptions& options) {
  SquareProduct product(options.quick ? 128 : 2048);
  static_cast<void>(product.run());
  std::vector<double> rates;
  for (int i = 0; i < options.rounds; ++i) rates.push_back(product.flops() * 1e-6 / product.run().cpu);
  return {"limits", "sgemm", median(rates), "GFLOP/s", "", 0};
}

/// Half a round trip of 8 bytes, and the exchange of a read: a key of 3 KB to all, some bytes back.
std::vector<Measured> latencies(comm::Transport& transport, const BenchOptions& options) {
  const int trips = options.quick ? 100 : 3000;
  constexpr comm::Tag kPing{7001};
  std::vector<double> pings, rounds;
  std::array<std::uint64_t, 1> word{};
  std::vector<float> key(768);
  for (int i = 0; i < trips; ++i) {
    const base::Stopwatch watch;
    if (transport.rank() == 0) {
      transport.send(std::span(word), 1, kPing);
      transport.receive(std::span(word), 1, kPing);
    } else if (transport.rank() == 1) {
      transport.receive(std::span(word), 0, kPing);
      transport.send(std::span(word), 0, kPing);
    }
    pings.push_back(watch.seconds() / 2);
  }
  for (int i = 0; i < trips; ++i) {
    const base::Stopwatch watch;
    transport.broadcast(std::span(key), 0);
    const std::vector<std::size_t> counts(static_cast<std::size_t>(transport.size()), word.size());
    static_cast<void>(transport.gather_varying(std::span(word), counts, 0));
    rounds.push_back(watch.seconds());
  }
  return {{"limits", "message of 8 bytes", 1e6 * median(pings), "us", "", 0},
          {"limits", "key of 3 KB to all ranks, 8 bytes back from each", 1e6 * median(rounds), "us", "", 0}};
}

}  // namespace

Milliseconds read_all(std::span<const std::span<const std::byte>> pieces) {
  Milliseconds best{.wall = std::numeric_limits<double>::max(), .cpu = std::numeric_limits<double>::max()};
  for (const shard::Fetch fetch : {shard::Fetch::kPlain, shard::Fetch::kAhead}) {
    const Milliseconds found = time_of([&] {
      std::uint64_t sum = 0;
      for (const auto piece : pieces) sum += shard::read_bytes(piece, fetch);
      keep_sum = sum;
    });
    if (found.cpu < best.cpu) best = found;
  }
  return best;
}

SquareProduct::SquareProduct(Index size)
    : a_(Matrix::Constant(size, size, 0.5F)), b_(Matrix::Constant(size, size, 0.25F)) {}

Milliseconds SquareProduct::run() {
  return time_of([&] { linalg::multiply(a_, linalg::Transpose::kNo, b_, linalg::Transpose::kNo, out_); });
}

double SquareProduct::flops() const {
  const auto n = static_cast<double>(a_.rows());
  return 2 * n * n * n;
}

std::vector<Measured> limits_part(comm::Transport& transport, const BenchOptions& options) {
  std::vector<Measured> lines{bandwidth(options), peak(options)};
  if (transport.size() > 1) {
    const std::vector<Measured> more = latencies(transport, options);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  return lines;
}

}  // namespace larimar::bench

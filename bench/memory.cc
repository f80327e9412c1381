// Speed of the memory's algebra at K = 512, C = 768: writes, reads, and single updates and forgets.
//
// usage: bench_memory [--quick] [--benchmark_out=FILE] [Google Benchmark's other options]
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "bench/workload.h"
#include "common/linalg/blas.h"
#include "common/linalg/gram.h"
#include "common/linalg/least_squares.h"
#include "common/linalg/pseudo_inverse.h"
#include "common/linalg/recursive.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;

Sizes sizes;

void write_codes(benchmark::State& state) {
  const Matrix inverse = linalg::pseudo_inverse(random_rows(sizes.slots, sizes.latent, 1.0, 1)).cast<float>();
  const Matrix codes = random_rows(state.range(0) * sizes.slots, sizes.latent, 1.0, 2);
  for (auto _ : state) benchmark::DoNotOptimize(linalg::write_codes({.codes = codes, .inverse = inverse}));
  state.SetItemsProcessed(state.iterations() * codes.rows());
}

/// What a shard and the coordinator do together: sums in double, then one solve.
void write_statistics(benchmark::State& state) {
  const Matrix weights = random_rows(state.range(0) * sizes.slots, sizes.slots, 1.0, 1);
  const Matrix codes = random_rows(weights.rows(), sizes.latent, 1.0, 2);
  for (auto _ : state) {
    linalg::GramStatistics sums(sizes.slots, sizes.latent);
    sums.add(weights, codes);
    benchmark::DoNotOptimize(sums.solve(std::nullopt, 1e-6));
  }
  state.SetItemsProcessed(state.iterations() * codes.rows());
}

/// Writes and forgets of b rows in turn, in a memory of 4 K segments (forgets by recursion) or K / 2 (each solved anew).
void update(benchmark::State& state, Index segments) {
  const Index rows = state.range(0);
  const Matrix weights = random_rows(segments + rows, sizes.slots, 1.0, 1);
  const Matrix codes = random_rows(segments + rows, sizes.latent, 1.0, 2);
  linalg::GramStatistics sums(sizes.slots, sizes.latent);
  sums.add(weights.topRows(segments), codes.topRows(segments));
  linalg::RecursiveMemory memory(sums, std::nullopt, {});
  const bool is_forget = state.range(1) != 0;
  for (auto _ : state) {
    if (is_forget) {
      state.PauseTiming();
      memory.write(weights.bottomRows(rows), codes.bottomRows(rows));
      state.ResumeTiming();
      memory.forget(weights.bottomRows(rows), codes.bottomRows(rows));
    } else {
      memory.write(weights.bottomRows(rows), codes.bottomRows(rows));
      state.PauseTiming();
      memory.forget(weights.bottomRows(rows), codes.bottomRows(rows));
      state.ResumeTiming();
    }
  }
  state.SetItemsProcessed(state.iterations() * rows);
  state.counters["solved_anew"] = static_cast<double>(memory.solved_anew());
}

void register_all(bool quick) {
  const double seconds = quick ? 0.01 : 0.5;
  for (const std::int64_t times : {1, 4}) {
    benchmark::RegisterBenchmark("write_codes/times_slots", write_codes)->Arg(times)->MinTime(seconds);
    benchmark::RegisterBenchmark("write_statistics/times_slots", write_statistics)->Arg(times)->MinTime(seconds);
  }
  const Index many = 4 * sizes.slots, few = sizes.slots / 2;
  for (const std::int64_t rows : {1, 8, 64}) {
    if (rows > few) continue;
    for (const std::int64_t forget : {0, 1}) {
      const char* name = forget == 0 ? "update/4K_segments/rows" : "forget/4K_segments/rows";
      benchmark::RegisterBenchmark(name, [many](benchmark::State& state) { update(state, many); })
          ->Args({rows, forget})
          ->Iterations(quick ? 2 : 40)
          ->Unit(benchmark::kMillisecond);
    }
    benchmark::RegisterBenchmark("forget/half_K_segments/rows", [few](benchmark::State& state) { update(state, few); })
        ->Args({rows, 1})
        ->Iterations(quick ? 2 : 10)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace larimar::bench

int main(int count, char** arguments) {
  std::vector<char*> rest(arguments, arguments + count);
  const auto is_quick = [](const char* argument) { return std::string_view(argument) == "--quick"; };
  const bool quick = std::erase_if(rest, is_quick) > 0;
  if (quick) larimar::bench::sizes = larimar::bench::kQuickSizes;
  larimar::linalg::set_blas_threads(1);
  larimar::bench::register_all(quick);
  int rest_count = static_cast<int>(rest.size());
  benchmark::Initialize(&rest_count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(rest_count, rest.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

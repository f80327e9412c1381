// How many times faster than the fixed-step iteration a dense write and a cached read are, in one run on one thread. What is compared is
// run in turn, so that a slow moment of the machine hits both; medians go into one JSON object on stdout.
//
// usage: bench_memory_ratio [--quick] [--repeat N]
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bench/workload.h"
#include "common/linalg/blas.h"
#include "common/linalg/least_squares.h"
#include "common/linalg/pseudo_inverse.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::multiply;
using linalg::Transpose;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result;
  multiply(a, Transpose::kNo, b, Transpose::kNo, result);
  return result;
}

/// The iteration done well: buffers reused, X A X by the cheaper order, no test for divergence.
Matrix iterated_inverse(const Matrix& a, int steps) {
  Matrix x = 5e-4F * a.transpose(), inner, next;
  for (int step = 0; step < steps; ++step) {
    next = x;
    if (a.rows() <= a.cols()) {
      multiply(a, Transpose::kNo, x, Transpose::kNo, inner);
      multiply(x, Transpose::kNo, inner, Transpose::kNo, next, -1.0F, 2.0F);
    } else {
      multiply(x, Transpose::kNo, a, Transpose::kNo, inner);
      multiply(inner, Transpose::kNo, x, Transpose::kNo, next, -1.0F, 2.0F);
    }
    x.swap(next);
  }
  return x;
}

Matrix iterated_write(const Matrix& codes, const Matrix& key_memory) {
  const Matrix weights = product(codes, iterated_inverse(key_memory, linalg::kBenCohenSteps));
  return product(iterated_inverse(weights, linalg::kBenCohenSteps), codes);
}

double seconds_of(const std::function<void()>& work, int calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Contest {
  std::function<void()> iteration;
  std::function<void()> ours;
  int calls = 1;  // of ours in one measurement: short ones are repeated
};

nlohmann::json compare(const Contest& contest, int repeat) {
  std::vector<double> slow, fast, ratios;
  contest.ours();
  contest.iteration();  // neither pays for the first touch of its memory
  for (int i = 0; i < repeat; ++i) {
    slow.push_back(seconds_of(contest.iteration, 1));
    fast.push_back(seconds_of(contest.ours, contest.calls));
    ratios.push_back(slow.back() / fast.back());
  }
  return {{"iteration_s", median(slow)}, {"ours_s", median(fast)}, {"ratio", median(ratios)}};
}

/// |found - exact| / |exact| of a write, exact by the double path on weights in double rounded once.
double write_error(const Matrix& codes, const Matrix& inverse, const Matrix& found) {
  const Matrix exact = linalg::solve_write({.addressing = product(codes, inverse), .codes = codes, .prior = {}});
  return static_cast<double>((found - exact).norm() / exact.norm());
}

nlohmann::json run(Sizes sizes, int repeat) {
  const Matrix key_memory = random_rows(sizes.slots, sizes.latent, 1.0, 1);
  const Matrix inverse = linalg::pseudo_inverse(key_memory).cast<float>();
  nlohmann::json results;
  for (const Index segments : {sizes.slots, 4 * sizes.slots}) {
    const Matrix codes = random_rows(segments, sizes.latent, 1.0, 2);
    Matrix ours, theirs;
    nlohmann::json result = compare({.iteration = [&] { theirs = iterated_write(codes, key_memory); },
                                     .ours = [&] { ours = linalg::write_codes({.codes = codes, .inverse = inverse}); }},
                                    repeat);
    result["segments"] = segments;
    result["relative_difference_to_double"] = write_error(codes, inverse, ours);
    results["write"].push_back(result);
  }
  const Matrix memory =
      linalg::write_codes({.codes = random_rows(sizes.slots * 2, sizes.latent, 1.0, 3), .inverse = inverse});
  const Matrix key = random_rows(1, sizes.latent, 1.0, 4), joined = product(inverse, memory);
  Matrix read;
  const auto iteration = [&] {
    read = product(product(key, iterated_inverse(memory, linalg::kBenCohenSteps)), memory);
  };
  results["read_cached_inverse"] = compare(
      {.iteration = iteration, .ours = [&] { read = product(product(key, inverse), memory); }, .calls = 200}, repeat);
  results["read_fixed_memory"] =
      compare({.iteration = iteration, .ours = [&] { read = product(key, joined); }, .calls = 200}, repeat);
  return results;
}

}  // namespace
}  // namespace larimar::bench

int main(int count, char** arguments) {
  larimar::bench::Sizes sizes;
  int repeat = 9;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--quick") {
      sizes = larimar::bench::kQuickSizes;
      repeat = 3;
    } else if (argument == "--repeat" && i + 1 < count && std::atoi(arguments[i + 1]) > 0) {
      repeat = std::atoi(arguments[++i]);
    } else {
      std::cerr << "usage: bench_memory_ratio [--quick] [--repeat N]\n";
      return 2;
    }
  }
  larimar::linalg::set_blas_threads(1);
  nlohmann::json result = larimar::bench::run(sizes, repeat);
  result["slots"] = sizes.slots;
  result["latent"] = sizes.latent;
  result["steps"] = larimar::linalg::kBenCohenSteps;
  result["repeat"] = repeat;
  std::cout << result.dump(2) << "\n";
  return 0;
}

// How long an exact search takes among more int8 keys than one would hold in memory: they lie in a mapped file, and the float keys, from
// which the last candidates are scored, are made again from their number instead of being stored.
//
// usage: bench_large_scan FOLDER [ROWS] [WIDTH] [QUERIES]      (15,625,000 768 8: a billion tokens at 64 a segment, 12 GB in FOLDER)
// Queries are noisy copies of keys, so the right one is known. Prints one JSON object; exit code 1 if one is not found.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/parts/limits.h"
#include "bench/parts/scan.h"
#include "common/base/error.h"
#include "common/linalg/fixed_dot.h"
#include "shard/near_rows.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::RowVector;

constexpr std::size_t kTogether = 4096;  // rows that one seed makes
constexpr float kNoise = 0.5F;           // length beside the key's 1

struct Sizes {
  std::size_t rows = 15'625'000, width = 768, queries = 8;
};

Matrix block_of(const Sizes& sizes, std::size_t block) {
  return random_directions(std::min(kTogether, sizes.rows - block * kTogether), sizes.width, 1000 + block);
}

RowVector key_of(const Sizes& sizes, std::size_t row) {
  return block_of(sizes, row / kTogether).row(static_cast<Index>(row % kTogether));
}

/// KiB of /proc/self/status.
std::size_t status_of(const std::string& field) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with(field)) return std::strtoull(line.c_str() + field.size(), nullptr, 10);
  return 0;
}

struct Keys {
  shard::CompressedRows scanned;
  std::vector<shard::KeyOwner> owners;
  shard::RowStore floats;  // of the right number; one query at a time looks at none of them
};

/// Addresses for all float keys, without memory behind them: to read one would end the program.
std::span<const float> no_floats(const Sizes& sizes) {
  const std::size_t count = sizes.rows * sizes.width;
  void* place = ::mmap(nullptr, count * sizeof(float), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED)
    throw base::IoError("there are not enough addresses for " + std::to_string(count) + " floats");
  return {static_cast<const float*>(place), count};
}

Keys make_keys(const Sizes& sizes, const std::string& folder) {
  Keys keys{{shard::KeyStore::kInt8, sizes.width, 0, folder}, {}, shard::RowStore(sizes.width, 1)};
  keys.owners.reserve(sizes.rows);
  keys.floats.append_borrowed(no_floats(sizes));
  for (std::size_t block = 0; block * kTogether < sizes.rows; ++block) {
    const Matrix rows = block_of(sizes, block);
    keys.scanned.append(rows);
    for (Index r = 0; r < rows.rows(); ++r) {
      const auto number = static_cast<std::uint32_t>(keys.owners.size());
      keys.owners.push_back({{number}, {number}});
    }
    if (block % 256 == 0) std::cerr << keys.owners.size() << " of " << sizes.rows << " keys\n";
  }
  return keys;
}

std::size_t best_of(const Sizes& sizes, const RowVector& query, const std::vector<std::uint32_t>& near) {
  float best = -std::numeric_limits<float>::infinity();
  std::size_t found = sizes.rows;
  for (const std::uint32_t row : near) {
    const RowVector key = key_of(sizes, row);
    float score = 0;
    linalg::dot_scores({.rows = {key.data(), sizes.width},
                        .queries = {query.data(), sizes.width},
                        .width = sizes.width,
                        .scores = {&score, 1}});
    if (score > best) found = row;
    best = std::max(best, score);
  }
  return found;
}

nlohmann::json run(const Sizes& sizes, const std::string& folder) {
  const Keys keys = make_keys(sizes, folder);
  std::vector<double> seconds, processor, limits;
  std::size_t right = 0, near_rows = 0;
  for (std::size_t q = 0; q < sizes.queries; ++q) {
    const std::size_t wanted = (q * 2 + 1) * sizes.rows / (2 * sizes.queries);
    RowVector query = key_of(sizes, wanted) + kNoise * RowVector(random_directions(1, sizes.width, 7 + q).row(0));
    query.normalize();
    std::vector<std::span<const std::byte>> bytes;
    for (std::size_t first = 0; first < sizes.rows;) {
      const std::size_t count = keys.scanned.run(first, sizes.rows);
      bytes.push_back(keys.scanned.components(first, count));
      first += count;
    }
    limits.push_back(1e-3 * read_all(bytes).wall);
    std::vector<std::vector<std::uint32_t>> near;
    const Milliseconds scan = time_of([&] {
      near = shard::near_rows({keys.floats, keys.scanned, keys.owners}, query, 1);
    });
    seconds.push_back(1e-3 * scan.wall);
    processor.push_back(1e-3 * scan.cpu);
    near_rows += near.front().size();
    right += best_of(sizes, query, near.front()) == wanted ? 1U : 0U;
  }
  const auto gib = [](std::size_t kib) { return static_cast<double>(kib) / (1 << 20); };
  const std::size_t peak = status_of("VmHWM:"), anonymous = status_of("RssAnon:");
  nlohmann::json rows = nlohmann::json::array();
  const auto add = [&](const std::string& what, const nlohmann::json& value) {
    rows.push_back(nlohmann::json::array({what, value}));
  };
  add("segments of " + std::to_string(sizes.width) + " components", sizes.rows);
  add("int8 keys, GiB", gib(sizes.rows * sizes.width >> 10U));
  add("right segment first, of " + std::to_string(sizes.queries), right);
  add("segments scored exactly for a query", static_cast<double>(near_rows) / static_cast<double>(sizes.queries));
  add("search of one query, s", median(seconds));
  add("the same, processor s", median(processor));
  add("reading those bytes once, s", median(limits));
  add("most resident memory, GiB", gib(peak));
  add("of it no mapped file, GiB", gib(anonymous));
  return {{"columns", nlohmann::json::array({"what", "measured"})}, {"rows", rows}, {"right", right}};
}

}  // namespace
}  // namespace larimar::bench

int main(int count, char** arguments) {
  const auto number = [&](int i, std::size_t usual) {
    return i < count ? static_cast<std::size_t>(std::strtoull(arguments[i], nullptr, 10)) : usual;
  };
  larimar::bench::Sizes sizes;
  sizes = {number(2, sizes.rows), number(3, sizes.width), number(4, sizes.queries)};
  if (count < 2 || sizes.rows == 0 || sizes.width == 0 || sizes.queries == 0) {
    std::cerr << "usage: bench_large_scan FOLDER [ROWS] [WIDTH] [QUERIES]\n";
    return 2;
  }
  try {
    const auto result = larimar::bench::run(sizes, arguments[1]);
    std::cout << result.dump(1) << "\n";
    return result["right"] == sizes.queries ? 0 : 1;
  } catch (const larimar::base::Error& error) {
    std::cerr << "bench_large_scan: " << error.what() << "\n";
    return static_cast<int>(error.code());
  }
}

// Scans on request, so that another program can measure them in turns with something else, round by round.
//
// usage: bench_scan KEYS.f32 WIDTH FIRST ROWS QUERIES.f32 [--cpu N]
// KEYS and QUERIES hold floats [rows, WIDTH]; of the keys rows FIRST to FIRST + ROWS are taken, and their numbers are the ids.
// Prints {"rows": N} when ready, then answers each line of standard input with one line of JSON:
//   scan STORE FIRST COUNT K   queries FIRST to FIRST + COUNT together: {"wall", "cpu": milliseconds, "ids", "scores": [COUNT * K]}
//   read STORE                 the bytes of that store's components, read once: {"wall", "cpu"}
//   sgemm                      a product of 2048 x 2048 by OpenBLAS: {"wall", "cpu", "gflops"}
// Ends with the input. bench/compare/scan_faiss.py drives it.
#include "bench/parts/scan.h"

#include <sched.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "bench/parts/limits.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "shard/key_store.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;
using Rows = Eigen::Map<const Matrix>;

Rows rows_of(const base::MappedFile& file, std::size_t width, std::size_t first, std::optional<std::size_t> rows) {
  const std::size_t row_bytes = width * sizeof(float), held = file.bytes().size() / row_bytes;
  if (file.bytes().size() % row_bytes != 0 || first > held || rows.value_or(0) > held - first)
    throw base::FormatError(file.path().string() + " does not hold these rows of " + std::to_string(width) + " floats");
  return {reinterpret_cast<const float*>(file.bytes().data()) + first * width,
          static_cast<Index>(rows.value_or(held - first)), static_cast<Index>(width)};
}

nlohmann::json times(const Milliseconds& found) { return {{"wall", found.wall}, {"cpu", found.cpu}}; }

class Server {
 public:
  Server(Rows keys, Rows queries, std::size_t first) : subject_(keys), queries_(queries), first_(first) {}

  nlohmann::json answer(std::istringstream request) {
    std::string what, store;
    request >> what;
    if (what == "sgemm") {
      nlohmann::json result = times(product_.run());
      result["gflops"] = product_.flops() * 1e-6 / result["cpu"].get<double>();
      return result;
    }
    request >> store;
    if (what == "read") return times(read_all(subject_.bytes(shard::parse_key_store(store))));
    Index query = 0, count = 0;
    std::size_t k = 0;
    if (what != "scan" || !(request >> query >> count >> k) || query + count > queries_.rows())
      throw base::UsageError("a request that bench_scan does not understand: " + request.str());
    return scan(subject_.index(shard::parse_key_store(store)), queries_.middleRows(query, count), k);
  }

 private:
  nlohmann::json scan(const shard::KeyIndex& index, const linalg::ConstMatrixRef& queries, std::size_t k) const {
    std::vector<wire::Candidate> found;
    nlohmann::json result = times(time_of([&] { found = index.scan(queries, k); }));
    result["ids"] = result["scores"] = nlohmann::json::array();
    for (const wire::Candidate& candidate : found) {
      result["ids"].push_back(candidate.segment.value + first_);
      result["scores"].push_back(candidate.score);
    }
    return result;
  }

  ScanSubject subject_;
  Rows queries_;
  std::size_t first_;
  SquareProduct product_{2048};
};

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) std::cerr << "bench_scan: processor " << cpu << " cannot be had\n";
}

int serve(const std::vector<std::string>& arguments) {
  const auto number = [&](std::size_t i) {
    return static_cast<std::size_t>(std::strtoull(arguments[i].c_str(), nullptr, 10));
  };
  if (arguments.size() == 7 && arguments[5] == "--cpu") stay_on(static_cast<int>(number(6)));
  const base::MappedFile keys(arguments[0]), queries(arguments[4]);
  if (number(1) == 0 || number(3) == 0) throw base::UsageError("WIDTH and ROWS must be at least 1");
  const Matrix copied = rows_of(keys, number(1), number(2), number(3));  // into memory of its own, as others do
  Server server({copied.data(), copied.rows(), copied.cols()}, rows_of(queries, number(1), 0, std::nullopt), number(2));
  std::cout << nlohmann::json{{"rows", number(3)}}.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << server.answer(std::istringstream(line)).dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace larimar::bench

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  if (arguments.size() != 5 && !(arguments.size() == 7 && arguments[5] == "--cpu")) {
    std::cerr << "usage: bench_scan KEYS.f32 WIDTH FIRST ROWS QUERIES.f32 [--cpu N]\n";
    return 2;
  }
  try {
    return larimar::bench::serve(arguments);
  } catch (const larimar::base::Error& error) {
    std::cerr << "bench_scan: " << error.what() << "\n";
    return static_cast<int>(error.code());
  }
}

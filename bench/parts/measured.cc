#include "bench/parts/measured.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "common/base/clock.h"

namespace larimar::bench {
namespace {

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

Milliseconds time_of(const std::function<void()>& work) {
  const base::Stopwatch watch;
  const double start = thread_seconds();
  work();
  const double cpu = thread_seconds() - start;
  return {.wall = 1e3 * watch.seconds(), .cpu = 1e3 * cpu};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, name = "unknown", family, model;
  while (std::getline(file, line) && !line.empty()) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const std::string value = line.substr(colon + 2);
    if (line.starts_with("model name")) name = value;
    if (line.starts_with("cpu family")) family = value;
    if (line.starts_with("model\t")) model = value;
  }
  return family.empty() ? name : name + " (family " + family + ", model " + model + ")";
}

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

}  // namespace larimar::bench

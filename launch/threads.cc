#include "launch/threads.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

#include "common/base/log.h"
#include "common/model/runtime.h"

namespace larimar::launch {
namespace {

constexpr int kMostThreads = 1024;  // as --threads

std::optional<int> number_in(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  int number = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

// mpirun; Hydra; Slurm, if every node has as many tasks.
std::optional<int> first_of(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto number = number_in(name)) return number;
  }
  return std::nullopt;
}

}  // namespace

int usual_threads() {
  const int threads = number_in("SLURM_CPUS_PER_TASK").value_or(1);
  return threads >= 1 && threads <= kMostThreads ? threads : 1;
}

Cores find_cores() {
  Cores cores;
  cores.of_host = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  cpu_set_t set;
  CPU_ZERO(&set);
  cores.mine = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : cores.of_host;
  cores.of_host = std::max(cores.of_host, cores.mine);
  const auto ranks = first_of({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE"});
  cores.ranks_on_host = std::max(1, ranks.value_or(1));
  return cores;
}

std::string oversubscription(int threads, const Cores& cores) {
  if (threads <= 1) return {};
  const std::string each = std::to_string(threads) + " threads";
  if (threads > cores.mine) {
    return "a rank has " + each + " but is bound to " + std::to_string(cores.mine) +
           (cores.mine == 1 ? " core" : " cores") +
           ", so they take turns; start the ranks with mpirun --map-by slot:PE=" + std::to_string(threads) +
           " --bind-to core, or srun --cpus-per-task=" + std::to_string(threads) + ", or give fewer --threads";
  }
  if (cores.ranks_on_host * threads <= cores.of_host) return {};
  return std::to_string(cores.ranks_on_host) + " ranks of " + each + " share the " + std::to_string(cores.of_host) +
         " cores of this host, so they take turns; start fewer ranks on it, or give fewer --threads";
}

void use_threads(int threads) {
  model::set_threads(threads);
  const auto place = first_of({"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"});
  if (place.value_or(0) != 0) return;
  if (const std::string text = oversubscription(threads, find_cores()); !text.empty())
    base::log(base::LogLevel::kWarning, text);
}

}  // namespace larimar::launch

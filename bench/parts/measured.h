#pragma once
// What measurements are made of, for every part of `larimar bench`.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/comm/transport.h"

namespace larimar::bench {

/// One call, in milliseconds. Other work on the machine lengthens the wall time by far, the processor time of the calling thread
/// by what it takes of caches and memory only.
struct Milliseconds {
  double wall = 0, cpu = 0;
};
[[nodiscard]] Milliseconds time_of(const std::function<void()>& work);

/// The middle one; of an even number the upper. Precondition: not empty.
[[nodiscard]] double median(std::vector<double> values);

/// A line of the table: what was measured, and which share of the machine's limit that is.
struct Measured {
  std::string part;
  std::string name;
  double value = 0;
  std::string unit;
  std::string limit;            // name of the limit; empty where there is none
  double share = 0;             // of the limit, median over rounds in which both were measured
  std::vector<double> ranks{};  // [ranks], where each has a value of its own; `value` is then the greatest
};

struct BenchOptions {
  bool quick = false;    // sizes at which only the code is tried, not the machine
  int rounds = 7;        // what is compared is measured in turns, so many times
  std::size_t rows = 0;  // keys of a scan, segments of scaling; 0: as many as the part likes
  std::size_t width = 768;
  std::filesystem::path
      folder{};  // all ranks see it: memories of scaling are made there; empty: the system's temporary one
  std::filesystem::path rates{};  // of this machine, that scaling compares itself with; empty: the usual ones
};

/// Measures one subject. Calls collective: all ranks call it; what it returns counts on rank 0.
using Part = std::vector<Measured> (*)(comm::Transport& transport, const BenchOptions& options);
struct NamedPart {
  const char* name;
  const char* text;
  Part run;
  bool only_by_name = false;  // not among those that run when none is named
};
/// All parts, in the order in which they run. A new one is added in parts.cc.
[[nodiscard]] const std::vector<NamedPart>& all_parts();

/// Model of the processor, as Linux names it.
[[nodiscard]] std::string processor_name();
/// Jobs that wanted a processor in the last minute, on average.
[[nodiscard]] double load_average();

}  // namespace larimar::bench

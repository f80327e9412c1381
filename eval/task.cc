#include "eval/task.h"

#include <array>
#include <cstdio>

#include "common/base/error.h"
#include "eval/setup.h"

namespace larimar::eval {

void check_axes(const TaskAxes& axes) {
  check_choices("form", axes.forms, kForms);
  if (axes.depths.empty() || axes.seeds == 0) {
    throw base::UsageError("the grid needs at least one length, depth, needle kind and seed");
  }
  for (const double depth : axes.depths) {
    if (!(depth >= 0 && depth <= 100))
      throw base::UsageError("depth " + std::to_string(depth) + " is outside 0 to 100 percent");
  }
}

std::string place_label(double depth, std::uint64_t seed) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", depth);
  return std::string("D") + text.data() + "/S" + std::to_string(seed);
}

}  // namespace larimar::eval

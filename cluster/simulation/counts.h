#pragma once
// What ranks really sent, beside what the cost model says.
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "common/comm/transport.h"
#include "coordinator/cost_model.h"

namespace larimar::simulation {

/// The counters of a transport, from one note to the next. Not thread-safe.
class Counted {
 public:
  struct Step {
    coordinator::RankCost rank;
    std::uint64_t collectives = 0;
  };

  explicit Counted(const comm::Transport& transport) : transport_(transport), before_(now()) {}
  /// Ends a step. Calls: local.
  void note();
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

 private:
  [[nodiscard]] Step now() const;

  const comm::Transport& transport_;
  Step before_;
  std::vector<Step> steps_{};
};

/// All ranks' steps, as many on each, against the predictions and times that rank 0 has for each step.
/// Returns on rank 0 {"equal", "differences": the first few, "collectives", "seconds": [..], "predicted_seconds": [..]} and of the
/// first step "messages_sent", "bytes_sent", "messages_received", "bytes_received" as {"root", "most", "all"}; null elsewhere.
/// Calls   collective.
[[nodiscard]] nlohmann::json compare(comm::Transport& transport, const std::vector<Counted::Step>& steps,
                                     const std::vector<coordinator::Cost>& predicted,
                                     const std::vector<double>& seconds);

}  // namespace larimar::simulation

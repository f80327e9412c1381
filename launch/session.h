#pragma once
// What of a job outlives the death of a rank.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/wire/plan.h"
#include "coordinator/answers.h"
#include "coordinator/run_report.h"
#include "launch/networks.h"
#include "launch/setup.h"
#include "shard/block_cache.h"

namespace larimar::launch {

/// One for a process. A command is called again after a death, over the ranks that are left, with the same session: what it has
/// put there need not be made again. Which roles and virtual shards a rank has follows from the ranks that live alone, so all
/// ranks agree on it without a word. Not thread-safe.
class Session {
 public:
  /// `ranks` at the start of the job.
  explicit Session(int ranks) : ranks_(ranks) {}

  [[nodiscard]] int ranks_at_start() const { return ranks_; }
  /// How often the command has been called again.
  [[nodiscard]] int losses() const { return losses_; }
  /// Whether a death is survived at all: then it pays to keep things.
  [[nodiscard]] bool may_lose_ranks() const { return may_lose_ranks_; }
  void allow_losses(wire::Orphans orphans) {
    may_lose_ranks_ = true;
    orphans_ = orphans;
  }

  /// `first` is the plan for ranks_at_start(); returns the one for the ranks that live now.
  [[nodiscard]] wire::RolePlan plan(wire::RolePlan first);
  /// Notes who is left, and who is not. Shapes: survivors [ranks], numbers at the start.
  void lose(const std::vector<int>& survivors, const std::vector<std::string>& hosts, coordinator::RankFault common);
  [[nodiscard]] const std::vector<coordinator::RankFault>& faults() const { return faults_; }
  /// The first result after a death is there.
  void note_result();

  /// Virtual shards that are left out of the answers (--on-loss degrade), rising.
  [[nodiscard]] std::vector<std::uint32_t> missing() const;
  /// Faults, missing parts and the kind of fault tolerance into the report; a missing part makes exit code 3 of a success.
  void report(coordinator::RunReport& report) const;

  /// What is said once all ranks have ended well, on rank 0; in place of what was to be said before.
  void say_at_end(std::function<void()> words) { words_ = std::move(words); }
  void say() const {
    if (words_) words_();
  }

  std::string fault_tolerance = "none";

  // Kept by commands.
  Networks networks;                               // as far as they are loaded
  shard::BlockCache blocks;                        // encoded, of commands that keep them in memory
  std::vector<coordinator::AnswerRecord> answers;  // so far, in the order of the queries; rank 0
  std::string standard_input;                      // the document that it became; empty: not yet read

 private:
  int ranks_;
  int losses_ = 0;
  bool may_lose_ranks_ = false;
  wire::Orphans orphans_ = wire::Orphans::kTakenOver;
  std::vector<int> survivors_;  // empty: all
  std::optional<wire::RolePlan> first_;
  wire::RolePlan now_;
  std::vector<coordinator::RankFault> faults_;
  std::function<void()> words_;
};

}  // namespace larimar::launch

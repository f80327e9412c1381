#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/comm/transport.h"
#include "common/wire/job_message.h"
#include "common/wire/plan.h"
#include "coordinator/answers.h"
#include "coordinator/run_report.h"
#include "launch/asking.h"
#include "launch/networks.h"
#include "launch/setup.h"

namespace larimar::launch {

/// A context and the queries about it, as rank 0 has them.
struct JobRequest {
  std::vector<std::filesystem::path> context;
  std::string key_mode;
  std::vector<coordinator::Query> queries;
};

/// What a job gave, on rank 0.
struct JobResult {
  std::vector<coordinator::AnswerRecord> answers;  // in the order of the queries
  coordinator::RunReport report;                   // ranks, phases, context, tokens per second, shards
};

/// The networks of this rank's roles, and jobs over all ranks. Rank 0 calls run() for each job and stop() at the end; every
/// other rank calls serve() once. Owns the networks; the transport is borrowed.
class Job {
 public:
  /// Calls   collective. Throws AgreedError if any rank cannot load what its roles need.
  Job(comm::Transport& transport, const JobSetup& setup);

  /// Ingests the context, writes the memory, reads and decodes for every query.
  /// Calls   collective with serve() of the others. Throws AgreedError for anything about the input; another error means
  ///         that the ranks are no longer in step, and the caller must abort the transport.
  [[nodiscard]] JobResult run(const JobRequest& request);
  void serve();
  void stop();

  [[nodiscard]] const wire::RolePlan& roles() const { return plan_; }
  [[nodiscard]] const JobSetup& setup() const { return setup_; }  // resolved
  [[nodiscard]] const text::Tokenizer& tokenizer() const { return *networks_.tokenizer; }

 private:
  JobResult run_together(const wire::JobMessage& message, const std::vector<coordinator::Query>& queries);

  comm::Transport& transport_;
  JobSetup setup_;
  wire::RolePlan plan_;
  Networks networks_;
  shard::BlockCache cache_;
  std::uint64_t step_ = 0;
};

}  // namespace larimar::launch

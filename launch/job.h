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
#include "launch/session.h"
#include "launch/setup.h"

namespace larimar::launch {

/// A context and the queries about it, as rank 0 has them.
struct JobRequest {
  std::vector<std::filesystem::path> context;
  std::string key_mode;
  std::vector<coordinator::Query> queries;
  std::vector<coordinator::AnswerRecord>* kept = nullptr;  // answers so far, which outlive a death; null: none are kept
};

/// What a job gave, on rank 0.
struct JobResult {
  std::vector<coordinator::AnswerRecord> answers;  // in the order of the queries
  coordinator::RunReport report;                   // ranks, phases, context, tokens per second, shards
};

/// Jobs over all ranks, with the networks of this rank's roles. Rank 0 calls run() for each job and stop() at the end; every
/// other rank calls serve() once. The transport is borrowed, and so is the session, which owns the networks.
class Job {
 public:
  /// Calls   collective. Throws AgreedError if any rank cannot load what its roles need.
  Job(comm::Transport& transport, Session& session, const JobSetup& setup);

  /// Ingests the context, writes the memory, reads and decodes for every query.
  /// Calls   collective with serve() of the others. Throws AgreedError for anything about the input; another error means
  ///         that the ranks are no longer in step, and the caller must abort the transport.
  /// Answers that the request brings with it are kept, and only the rest is asked.
  [[nodiscard]] JobResult run(const JobRequest& request);
  void serve();
  void stop();

  [[nodiscard]] const wire::RolePlan& roles() const { return plan_; }
  [[nodiscard]] const JobSetup& setup() const { return setup_; }  // resolved
  [[nodiscard]] const text::Tokenizer& tokenizer() const { return *session_.networks.tokenizer; }

 private:
  JobResult run_together(const wire::JobMessage& message, const std::vector<coordinator::Query>& queries,
                         std::vector<coordinator::AnswerRecord>* kept);

  comm::Transport& transport_;
  Session& session_;
  JobSetup setup_;
  wire::RolePlan plan_;
  std::uint64_t step_ = 0;
};

}  // namespace larimar::launch

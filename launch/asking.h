#pragma once
// Queries of a job, batch by batch: keys, read, decode, answers. All ranks walk through it together.
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "common/comm/transport.h"
#include "common/wire/plan.h"
#include "coordinator/answers.h"
#include "coordinator/run_report.h"
#include "launch/answering.h"
#include "launch/exchange.h"
#include "launch/networks.h"
#include "launch/session.h"
#include "launch/setup.h"

namespace larimar::launch {

/// Everything a read of a written memory needs; borrowed, equal on all ranks but for the roles and networks.
struct Asking {
  comm::Transport& transport;
  Session& session;
  const wire::RolePlan& plan;
  const Roles& roles;
  const Networks& networks;
  JobSetup& setup;                                   // resolved
  const shard::EncodingRules& rules;                 // of the write keys
  std::span<const std::filesystem::path> documents;  // by number, for citations; rank 0 only
  std::size_t key_size = 0;                          // D
  std::uint64_t& step;                               // of the job's reads
  /// In the order of the queries, rank 0 only. Those that stand there from before a death are not asked again.
  std::vector<coordinator::AnswerRecord>& answers;
};

struct Asked {
  AskTimes times;
  coordinator::ShardReport shards;
};

/// Calls   collective; `queries` [count] on rank 0, not looked at elsewhere. An error on one rank in the middle of an exchange is
///         a CommError.
[[nodiscard]] Asked ask_all(const Asking& asking, std::span<const coordinator::Query> queries, std::uint64_t count,
                            double scope);

/// ask_all with the scope that the setup asks for, calibrated if it names a text; then setup.scope is what was found.
/// Calls   collective. An error in the middle of an exchange is a CommError, since the ranks are then out of step.
[[nodiscard]] Asked answer_together(const Asking& asking, std::span<const coordinator::Query> queries,
                                    std::uint64_t count);

/// The key similarity that 95 of 100 sentences stay below which the memory has not seen: the least of an answer in scope.
/// Sentences are drawn evenly from the file, at most 512.
/// Calls   collective. Returns the same number on all ranks. Throws AgreedError for a file that is missing or has fewer than
///         20 sentences.
[[nodiscard]] double calibrate_scope(const Asking& asking, const std::filesystem::path& unseen);

/// Size of the write keys: not every rank has their network. Collective.
[[nodiscard]] std::size_t shared_key_size(comm::Transport& transport, const Networks& networks);

}  // namespace larimar::launch

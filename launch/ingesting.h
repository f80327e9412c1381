#pragma once
// Ingest over all ranks: shards encode, rank 0 shows progress and ends the work of all when one fails.
#include <optional>
#include <vector>

#include "common/comm/transport.h"
#include "common/text/corpus.h"
#include "common/wire/plan.h"
#include "coordinator/run_report.h"
#include "launch/setup.h"
#include "shard/shard_service.h"

namespace larimar::launch {

/// `shard` and `how` are null on ranks that store nothing. Returns the stats by shard, on every rank.
/// Calls   collective. Throws AgreedError with the first failing shard's sentence.
[[nodiscard]] std::vector<shard::IngestStats> ingest_together(comm::Transport& transport, const wire::RolePlan& roles,
                                                              const JobSetup& setup, shard::ShardService* shard,
                                                              const shard::Ingesting* how, const text::Corpus& corpus);

/// Sums and rates of an ingest for the run report.
void report_context(const text::Corpus& corpus, const std::vector<shard::IngestStats>& stats,
                    coordinator::RunReport& report);

}  // namespace larimar::launch

#pragma once
// How the messages of a read travel between the roles. Every rank calls these together; each plays the roles it has.
#include <functional>
#include <vector>

#include "common/comm/transport.h"
#include "common/wire/plan.h"
#include "coordinator/coordinator_service.h"
#include "decoder/decoder_service.h"
#include "shard/shard_service.h"

namespace larimar::launch {

/// The roles of this rank; null where it does not play one. Borrowed.
struct Roles {
  coordinator::CoordinatorService* coordinator = nullptr;
  shard::ShardService* shard = nullptr;
  decoder::DecoderService* decoder = nullptr;
};

/// One read: keys out, proposals in, choice out, codes in.
/// `meanwhile` is done by this rank between its part of the scan and the gather: what it has to do beside the read, while others scan.
/// Shapes  keys [queries, D] on rank 0, not looked at elsewhere. Returns z_read and its sources on rank 0, empty elsewhere.
/// Calls   three collectives, whatever the number of queries: a broadcast of the keys, a gather of the proposals on rank 0 or their merge
///         on the way there (wire::is_merged), and a broadcast of the choice; then p2p a message from each shard of which something was
///         chosen. coordinator/cost_model.h tells how many messages and bytes that is.
[[nodiscard]] coordinator::BatchRead exchange_read(comm::Transport& transport, const wire::RolePlan& roles_plan,
                                                   const Roles& roles, const wire::ReadPlan& plan, linalg::Matrix keys,
                                                   const std::function<void()>& meanwhile = {});

}  // namespace larimar::launch

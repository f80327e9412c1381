#pragma once
// How the messages of a read travel between the roles. Every rank calls these together; each plays the roles it has.
#include <string>
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
/// Shapes  keys [queries, D] on rank 0, not looked at elsewhere. Returns z_read and its sources on rank 0, empty elsewhere.
/// Calls   three collectives, whatever the number of queries: a broadcast of the keys, a gather of the proposals on rank 0 or their merge
///         on the way there (wire::is_merged), and a broadcast of the choice; then p2p a message from each shard of which something was
///         chosen. coordinator/cost_model.h tells how many messages and bytes that is.
[[nodiscard]] coordinator::BatchRead exchange_read(comm::Transport& transport, const wire::RolePlan& roles_plan,
                                                   const Roles& roles, const wire::ReadPlan& plan, linalg::Matrix keys);

/// z_read to texts on the decoder ranks, rows shared out evenly.
/// Shapes  z_read [reads, C] on rank 0; reads and C are equal on all ranks. Returns [reads] texts on rank 0.
/// Calls   collective in form: point to point between rank 0 and the decoder ranks.
[[nodiscard]] std::vector<std::string> exchange_decode(comm::Transport& transport, const wire::RolePlan& roles_plan,
                                                       const Roles& roles, const linalg::Matrix& z_read,
                                                       std::size_t reads, std::size_t code_size);

}  // namespace larimar::launch

#include "launch/ask_keys.h"

#include <algorithm>
#include <iostream>

#include "common/comm/agree.h"
#include "launch/codes_file.h"
#include "launch/codes_ingest.h"
#include "launch/exchange.h"
#include "launch/open_memory.h"

namespace larimar::launch {
namespace {

void take_found(const wire::ReadPlan& plan, const coordinator::BatchRead& read, FoundCodes& found) {
  for (std::size_t q = 0; q < plan.queries; ++q) {
    const wire::CodeRecord& record = read.records[q * plan.k];
    const bool any = record.status != wire::ReadStatus::kEmpty;
    found.score.push_back(read.scores[q * plan.k]);
    found.slot.push_back(read.slots[q]);
    found.shard.push_back(any ? static_cast<std::int64_t>(record.shard.value) : -1);
    found.id.push_back(any ? static_cast<std::int64_t>(record.segment.value) : -1);
    const auto row = static_cast<linalg::Index>(found.score.size()) - 1;
    found.z.row(row) = read.z_read.row(static_cast<linalg::Index>(q * read.reads));
  }
}

}  // namespace

int ask_keys(comm::Transport& transport, Session& session, const AskCommand& command) {
  const wire::RolePlan roles_plan = session.plan(plan_storage(session.ranks_at_start()));
  OpenMemory memory(transport, roles_plan, command.memory, command.setup);
  const store::Manifest& manifest = memory.folder.manifest();
  const bool root = transport.rank() == 0;
  const linalg::Matrix keys = comm::together(transport, [&] {
    if (command.out.empty()) throw base::UsageError("--keys needs --out FILE.safetensors for what is found");
    return root ? read_query_keys(command.keys, manifest.key_size) : linalg::Matrix();
  });
  std::uint64_t count = static_cast<std::uint64_t>(keys.rows());
  transport.broadcast(std::span(&count, 1), 0);
  const Roles roles{memory.coordinator ? &*memory.coordinator : nullptr, memory.shard ? &*memory.shard : nullptr,
                    nullptr};
  FoundCodes found;
  found.z.resize(keys.rows(), static_cast<linalg::Index>(manifest.code_size));
  std::uint64_t step = 0;
  for (std::uint64_t at = 0; at < count; at += command.setup.batch) {
    wire::ReadPlan plan;
    plan.queries = static_cast<std::size_t>(std::min<std::uint64_t>(command.setup.batch, count - at));
    plan.key_size = manifest.key_size;
    plan.code_size = manifest.code_size;
    coordinator::set_form(plan, memory.rules);
    plan.step = ++step;
    const linalg::Matrix batch =
        root ? linalg::Matrix(keys.middleRows(static_cast<linalg::Index>(at), static_cast<linalg::Index>(plan.queries)))
             : linalg::Matrix();
    const coordinator::BatchRead read = exchange_read(transport, roles_plan, roles, plan, batch);
    session.note_result();
    if (root) take_found(plan, read, found);
  }
  comm::together(transport, [&] {
    if (root) write_found_codes(command.out, found);
  });
  session.say_at_end([path = command.out.string(), count, missing = session.missing().size()] {
    std::cout << path << ": " << count << " keys read";
    if (missing > 0) std::cout << "; " << missing << " of " << wire::kVirtualShards << " virtual shards are missing";
    std::cout << std::endl;
  });
  return static_cast<int>(session.missing().empty() ? base::ExitCode::kOk : base::ExitCode::kDegraded);
}

}  // namespace larimar::launch

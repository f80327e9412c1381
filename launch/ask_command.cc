// larimar ask: queries to answers, or keys to codes, out of a memory folder.
#include <algorithm>
#include <iostream>
#include <optional>

#include "common/base/log.h"
#include "common/comm/agree.h"
#include "common/memory/rules_text.h"
#include "common/model/runtime.h"
#include "launch/asking.h"
#include "launch/codes_file.h"
#include "launch/codes_ingest.h"
#include "launch/commands.h"
#include "launch/memory_folder.h"
#include "launch/model_ids.h"
#include "launch/report.h"
#include "launch/start_check.h"

namespace larimar::launch {
namespace {

/// The memory loaded on the ranks that store, ready to be read.
struct OpenMemory {
  OpenMemory(comm::Transport& transport, const wire::RolePlan& roles, const AskCommand& command)
      : folder(MemoryFolder::open_reading(transport, command.memory)) {
    const int number = roles.shard_of(transport.rank());
    const store::Manifest& manifest = folder.manifest();
    const shard::ShardPlace place{base::ShardId{static_cast<std::uint32_t>(std::max(number, 0))},
                                  roles.shard_map(),
                                  static_cast<linalg::Index>(manifest.code_size),
                                  static_cast<linalg::Index>(manifest.key_size),
                                  command.setup.key_store,
                                  command.setup.key_folder};
    if (number >= 0) shard.emplace(place);
    const auto addresser = load_together(transport, roles, folder, shard ? &*shard : nullptr, place);
    rules = memory::rules_from_text(manifest.rules);
    if (transport.rank() == 0) coordinator.emplace(roles.shards(), rules, addresser);
  }

  MemoryFolder folder;
  memory::MemoryRules rules;
  std::optional<shard::ShardService> shard;
  std::optional<coordinator::CoordinatorService> coordinator;
};

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

int ask_keys(comm::Transport& transport, Session& session, const AskCommand& command) {
  const wire::RolePlan roles_plan = session.plan(plan_storage(session.ranks_at_start()));
  OpenMemory memory(transport, roles_plan, command);
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

void check_models(const store::Manifest& manifest, const JobSetup& setup) {
  if (manifest.model == kOwnCodes)
    throw base::ConfigError(
        "this memory holds codes from a file, which no model here can turn into text; read it with "
        "larimar ask --keys FILE --out FILE");
  const std::string model = model_id(setup), keys = keys_id(setup);
  if (manifest.model != model || manifest.keys != keys)
    throw base::ConfigError("this memory was written with model \"" + manifest.model + "\" and keys \"" +
                            manifest.keys + "\" but those at hand are \"" + model + "\" and \"" + keys +
                            "\"; name the right folders with --model and --keys-folder");
}

int ask_queries(comm::Transport& transport, Session& session, const AskCommand& command,
                coordinator::RunReport& report) {
  const bool root = transport.rank() == 0;
  const coordinator::QueryFile file = comm::together(
      transport, [&] { return root ? read_all_queries(command.queries, command.query) : coordinator::QueryFile{}; });
  const wire::RolePlan plan = session.plan(wire::plan_roles(session.ranks_at_start(), command.setup.decoders));
  base::Stopwatch watch;
  OpenMemory memory(transport, plan, command);
  const store::Manifest& manifest = memory.folder.manifest();
  JobSetup setup;
  Networks& networks = session.networks;
  comm::together(transport, [&] {
    setup = setup_of(manifest, command.setup);
    setup.keys = manifest.keys.starts_with("minilm") ? "minilm" : "model";
    setup = resolve(setup);
  });
  if (session.losses() == 0) check_setup(transport, setup);
  comm::together(transport, [&] {
    check_models(manifest, setup);
    model::set_threads(setup.threads);
    complete_networks(networks, setup, {false, root, plan.decoder_of(transport.rank()) >= 0});
    if (networks.code_size != manifest.code_size)
      throw base::ConfigError("the memory's codes have " + std::to_string(manifest.code_size) +
                              " components but the decoder's " + std::to_string(networks.code_size));
  });
  report.phases.push_back({"open", watch.seconds()});
  std::vector<std::filesystem::path> documents;
  std::vector<std::uint64_t> blocks;
  for (const store::DocumentEntry& document : manifest.documents) {
    documents.emplace_back(document.path);
    blocks.push_back(document.blocks);
  }
  const Roles roles{memory.coordinator ? &*memory.coordinator : nullptr, memory.shard ? &*memory.shard : nullptr,
                    networks.decoder_service.get()};
  std::uint64_t step = 0, count = file.queries.size();
  transport.broadcast(std::span(&count, 1), 0);
  const Asking asking{transport, session,           plan, roles,          networks, setup,
                      documents, manifest.key_size, step, session.answers};
  const Asked asked = answer_together(asking, file.queries, count);
  report.shards = asked.shards;
  report_missing(session, documents, blocks, report);
  report.phases.push_back({"read_keys", asked.times.keys});
  report.phases.push_back({"read", asked.times.read});
  report.phases.push_back({"decode", asked.times.decode});
  if (asked.times.language > 0) report.phases.push_back({"language", asked.times.language});
  report_ranks(transport, plan, report);
  report.config = to_json(setup);
  report.queries = {file.queries.size() + file.bad.size(), session.answers.size(), file.bad};
  report.exit_code = file.bad.empty() ? base::ExitCode::kOk : base::ExitCode::kDegraded;
  report.error.clear();
  comm::together(transport, [&] {
    if (root) write_answers(command.out, session.answers);
  });
  session.say_at_end([&session, json = command.json] { print_answers(session.answers, json); });
  return static_cast<int>(report.exit_code);
}

}  // namespace

int ask_command(comm::Transport& transport, Session& session, const AskCommand& command) {
  transport.set_patience(command.setup.patience);
  if (!command.keys.empty()) return ask_keys(transport, session, command);
  AskCommand with_out = command;
  if (with_out.out.empty()) with_out.out = "larimar-out";
  return with_run_report(
      transport, session, with_out.out, command.setup, command.command_line,
      [&](coordinator::RunReport& report) { return ask_queries(transport, session, with_out, report); });
}

}  // namespace larimar::launch

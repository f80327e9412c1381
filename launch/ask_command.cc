// larimar ask: queries to answers, or keys to codes, out of a memory folder.
#include <iostream>

#include "common/base/log.h"
#include "common/comm/agree.h"
#include "common/model/runtime.h"
#include "launch/ask_keys.h"
#include "launch/asking.h"
#include "launch/commands.h"
#include "launch/devices.h"
#include "launch/model_ids.h"
#include "launch/open_memory.h"
#include "launch/report.h"
#include "launch/start_check.h"

namespace larimar::launch {
namespace {

void check_models(const store::Manifest& manifest, const JobSetup& setup) {
  if (manifest.model == kOwnCodes)
    throw base::ConfigError(
        "this memory holds codes from a file, which no model here can turn into text; read it with "
        "larimar ask --keys FILE --out FILE");
  const std::string model = model_id(setup), keys = keys_id(setup);
  if (manifest.model != model || manifest.keys != keys)
    throw base::ConfigError("this memory was written with model \"" + manifest.model + "\" and keys \"" +
                            manifest.keys + "\" but those at hand are \"" + model + "\" and \"" + keys +
                            "\"; name the right ones with --model, --keys-folder and --key-table");
}

int ask_queries(comm::Transport& transport, Session& session, const AskCommand& command,
                coordinator::RunReport& report) {
  const bool root = transport.rank() == 0;
  const coordinator::QueryFile file = comm::together(
      transport, [&] { return root ? read_all_queries(command.queries, command.query) : coordinator::QueryFile{}; });
  const wire::RolePlan plan = session.plan(wire::plan_roles(session.ranks_at_start(), command.setup.decoders));
  base::Stopwatch watch;
  OpenMemory memory(transport, plan, command.memory, command.setup);
  const store::Manifest& manifest = memory.folder.manifest();
  JobSetup setup;
  Networks& networks = session.networks;
  comm::together(transport, [&] {
    setup = setup_of(manifest, command.setup);
    setup.keys = keys_named(manifest.keys);
    setup.arithmetic = arithmetic_of(manifest.model);
    setup = resolve(setup);
  });
  if (session.losses() == 0) check_setup(transport, setup);
  const NetworkNeeds needs{false, root, plan.decoder_of(transport.rank()) >= 0, root};
  const JobSetup placed = on_devices(transport, setup, needs);
  comm::together(transport, [&] {
    check_models(manifest, setup);
    model::set_threads(setup.threads);
    complete_networks(networks, placed, needs);
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
  shard::EncodingRules encoding = setup.rules;
  encoding.key_mode = parse_key_mode(setup.key_mode);
  const Asking asking{transport, session,           plan, roles,          networks, setup, encoding,
                      documents, manifest.key_size, step, session.answers};
  const Asked asked = answer_together(asking, file.queries, count);
  report.shards = asked.shards;
  report_missing(session, documents, blocks, report);
  report.phases.push_back({"read_keys", asked.times.keys});
  report.phases.push_back({"read", asked.times.read});
  report.phases.push_back({"decode", asked.times.decode});
  if (asked.times.ranking > 0) report.phases.push_back({"ranking", asked.times.ranking});
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

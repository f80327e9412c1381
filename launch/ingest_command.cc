// larimar ingest and append: text, or codes made elsewhere, into a memory folder.
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/comm/agree.h"
#include "common/model/runtime.h"
#include "common/wire/job_message.h"
#include "launch/codes_ingest.h"
#include "launch/commands.h"
#include "launch/devices.h"
#include "launch/ingest_plan.h"
#include "launch/ingesting.h"
#include "launch/memory_folder.h"
#include "launch/model_ids.h"
#include "launch/networks.h"
#include "launch/report.h"
#include "launch/standard_input.h"
#include "launch/start_check.h"
#include "launch/write.h"

namespace larimar::launch {
namespace {

struct Begun {
  std::optional<MemoryFolder> memory;        // nothing if there is nothing to do
  std::vector<std::filesystem::path> paths;  // documents to ingest now, equal on all ranks
};

/// Paths of the documents on their way in; they are read under the names that were given now.
std::vector<std::filesystem::path> share_paths(comm::Transport& transport, const std::vector<NewDocument>& documents) {
  wire::JobMessage message;
  for (const NewDocument& document : documents) message.context.push_back(document.path);
  std::string bytes = wire::to_bytes(message);
  transport.broadcast_string(bytes, 0);
  return wire::job_from_bytes(bytes).context;
}

/// Opens or makes the memory and lists what is new in it.
Begun begin(comm::Transport& transport, const IngestCommand& command, const store::Manifest& empty,
            const std::vector<NewDocument>& documents) {
  Begun begun;
  const bool root = transport.rank() == 0;
  if (!MemoryFolder::is_there(transport, command.memory)) {
    comm::together(transport, [&] {
      if (command.kind == IngestKind::kAppend)
        throw base::MissingInputError(command.memory.string() + " is no memory to append to; larimar ingest makes one");
    });
    begun.paths = share_paths(transport, documents);
    begun.memory = MemoryFolder::create(transport, command.memory, begin_documents(empty, documents));
    return begun;
  }
  begun.memory = MemoryFolder::open_writing(transport, command.memory, MemoryFolder::Wanted::kAny);
  const store::Manifest& manifest = begun.memory->manifest();
  std::vector<NewDocument> fresh;
  comm::together(transport, [&] {
    check_same_settings(manifest, empty);
    if (!root) return;
    if (manifest.state == store::MemoryState::kIngesting) {
      // Those that were there before this ingest began are skipped again.
      store::Manifest before = manifest;
      before.documents.resize(first_unfinished(manifest));
      fresh = unknown_documents(documents, before);
      check_same_documents(manifest, fresh);
      base::log(base::LogLevel::kInfo, "going on with an unfinished ingest of " + command.memory.string());
      return;
    }
    fresh = unknown_documents(documents, manifest);
    if (!fresh.empty() && command.kind == IngestKind::kIngest)
      throw base::ConfigError(command.memory.string() + " is a complete memory without " + fresh.front().path.string() +
                              "; larimar append adds documents to it");
    if (fresh.size() < documents.size())
      base::log(base::LogLevel::kInfo, std::to_string(documents.size() - fresh.size()) +
                                           " documents are in the memory already, unchanged, and are skipped");
  });
  begun.paths = share_paths(transport, fresh);
  if (begun.paths.empty()) {
    begun.memory.reset();
  } else if (manifest.state != store::MemoryState::kIngesting) {
    begun.memory->commit(transport, begin_documents(manifest, fresh));
  }
  return begun;
}

/// What an ingest of text needs before it looks at the memory.
struct Prepared {
  JobSetup setup;                      // resolved
  store::Manifest empty;               // of a memory made with this setup
  const Networks* networks = nullptr;  // the session's
};

Prepared prepare(comm::Transport& transport, Session& session, const IngestCommand& command, bool stores) {
  Prepared prepared;
  JobSetup& setup = prepared.setup;
  comm::together(transport, [&] { setup = resolve(command.setup); });
  if (session.losses() == 0) check_setup(transport, setup);
  const NetworkNeeds needs{stores, true, false};
  const JobSetup placed = on_devices(transport, setup, needs);
  comm::together(transport, [&] {
    model::set_threads(setup.threads);
    complete_networks(session.networks, placed, needs);
    prepared.networks = &session.networks;
    const auto key_size = static_cast<std::size_t>(session.networks.keys->key_size());
    settle_slots(setup, key_size);
    prepared.empty = empty_manifest(setup, model_id(setup), keys_id(setup), session.networks.code_size, key_size);
  });
  return prepared;
}

/// What a rank that stores ingests with; nothing on the others.
struct Storing {
  std::optional<shard::ShardService> shard;
  std::optional<shard::BlockEncoder> encoder;
  std::optional<shard::LogWriters> logs;
  std::optional<shard::Ingesting> how;

  void start(const Prepared& prepared, const MemoryFolder& memory, const shard::ShardPlace& place,
             const std::filesystem::path& acknowledge) {
    shard::EncodingRules rules = prepared.setup.rules;
    rules.key_mode = parse_key_mode(prepared.setup.key_mode);
    const Networks& networks = *prepared.networks;
    shard.emplace(place);
    encoder.emplace(*networks.codes, *networks.keys, *networks.tokenizer, rules);
    logs.emplace(memory.folder(), place.shard, place.shards, acknowledge);
    const std::size_t first = first_unfinished(memory.manifest());
    how.emplace(shard::Ingesting{.encoder = *encoder,
                                 .logs = &*logs,
                                 .first_block = memory.manifest().documents[first].first_block,
                                 .first_document = static_cast<std::uint32_t>(first)});
  }
};

std::vector<NewDocument> find_documents(comm::Transport& transport, Session& session, const IngestCommand& command) {
  std::vector<std::filesystem::path> context = command.context;
  spool_standard_input(transport, session, command.memory, context);
  return comm::together(transport, [&] {
    if (context.empty()) throw base::UsageError("nothing to ingest: give --context PATH or --codes FILE");
    return transport.rank() == 0 ? describe_documents(text::Corpus(context)) : std::vector<NewDocument>{};
  });
}

void tell(const IngestCommand& command, const std::vector<shard::IngestStats>& stats,
          const coordinator::RunReport& report, double seconds) {
  std::uint64_t resumed = 0;
  for (const shard::IngestStats& one : stats) resumed += one.resumed_blocks;
  std::cout << command.memory.string() << ": " << report.context.documents << " documents, " << report.context.segments
            << " segments, " << report.context.tokens << " tokens in " << seconds << " s";
  if (resumed > 0) std::cout << "; " << resumed << " blocks were there from before";
  std::cout << std::endl;
}

int ingest_text(comm::Transport& transport, Session& session, const IngestCommand& command,
                coordinator::RunReport& report) {
  const wire::RolePlan roles = session.plan(plan_storage(session.ranks_at_start()));
  const int number = roles.shard_of(transport.rank());
  const base::Stopwatch watch;
  const Prepared prepared = prepare(transport, session, command, number >= 0);
  const store::Manifest& empty = prepared.empty;
  const base::InterruptScope interruptible(command.max_time);
  Begun begun = begin(transport, command, empty, find_documents(transport, session, command));
  report.phases.push_back({"open", watch.seconds()});
  report.config = to_json(prepared.setup);
  report.error.clear();
  report.exit_code = base::ExitCode::kOk;
  if (!begun.memory) {
    if (session.losses() == 0 && transport.rank() == 0)
      std::cout << "nothing new: " << command.memory.string() << " is complete\n";
    return 0;  // or it was completed before a rank died
  }
  const base::Stopwatch ingest_watch;
  const shard::ShardPlace place{base::ShardId{static_cast<std::uint32_t>(std::max(number, 0))}, roles.shard_map(),
                                static_cast<linalg::Index>(empty.code_size),
                                static_cast<linalg::Index>(empty.key_size)};
  Storing storing;
  const text::Corpus corpus = comm::together(transport, [&] {
    if (number >= 0) storing.start(prepared, *begun.memory, place, command.acknowledge);
    return text::Corpus(begun.paths);
  });
  LARIMAR_FAILPOINT("launch.ingest.begin");
  transport.set_phase("ingest");
  const auto stats = ingest_together(transport, roles, prepared.setup, storing.shard ? &*storing.shard : nullptr,
                                     storing.how ? &*storing.how : nullptr, corpus);
  finish_ingest(transport, *begun.memory, storing.logs ? &*storing.logs : nullptr, place,
                {prepared.setup.m0, prepared.setup.seed});
  report_context(corpus, stats, report);
  report.phases.push_back({"ingest", ingest_watch.seconds()});
  report_ranks(transport, roles, report);
  session.note_result();
  session.say_at_end(
      [&command, stats, report, seconds = ingest_watch.seconds()] { tell(command, stats, report, seconds); });
  return 0;
}

}  // namespace

int ingest_command(comm::Transport& transport, Session& session, const IngestCommand& command) {
  transport.set_patience(command.setup.patience);
  const auto work = [&](coordinator::RunReport& report) {
    if (command.codes.empty()) return ingest_text(transport, session, command, report);
    const int code = ingest_codes(transport, session, command);
    report.error.clear();
    report.exit_code = base::ExitCode::kOk;
    return code;
  };
  if (!command.out.empty())
    return with_run_report(transport, session, command.out, command.setup, command.command_line, work);
  coordinator::RunReport unseen;
  return work(unseen);
}

}  // namespace larimar::launch

#include "launch/cli.h"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <thread>
#include <type_traits>

#include "common/base/log.h"
#include "launch/build.h"
#include "launch/on_ranks.h"
#include "launch/options.h"
#include "launch/start_check.h"

namespace larimar::launch {
namespace {

// mpirun ends the job at the first rank that leaves with an error: the silent ones let the one that speaks go first.
void let_the_speaker_leave() {
  if (!prints_for_job()) std::this_thread::sleep_for(kLetTheSpeakerLeave);
}

int exit_code(const base::Error& error) { return static_cast<int>(error.code()); }

// CLI11 reports only that a command is lacking, not the word that stands in its place.
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-' || *argv[1] == '\0') return;
  const std::string word = argv[1];
  if (app.get_subcommands([&](const CLI::App* command) { return command->get_name() == word; }).empty()) {
    throw CLI::ExtrasError("\"" + word + "\" is not a command", CLI::ExitCodes::ExtrasError);
  }
}

struct NamedText {
  const char* name;
  const char* text;
};
constexpr NamedText kEvaluations[] = {
    {"passkey", "hide passkeys in a haystack and ask for them"},
    {"needle", "hide the San Francisco needle and ask for it"},
    {"needles", "hide the needles of a file and ask for them"},
    {"multi", "hide several keys with several numbers each, and distractors"},
    {"words", "the same with words as values"},
    {"uuid", "the same with UUIDs as keys and values"},
    {"uuid_chain", "hide a chain of UUIDs and ask for all that follow the first"},
    {"babi", "scatter bAbI stories in a haystack and ask their questions"},
    {"facts", "write, edit and forget facts of CounterFact or zsRE"},
    {"dataset", "ask what larimar eval import made of another harness' data"},
};
constexpr NamedText kEvalFiles[] = {
    {"merge", "join the rows of all parts"},
    {"reconstruct", "rebuild the exact context of a row"},
    {"validate", "check a run file, or a folder of results"},
    {"import", "make a data set of a file of RULER, InfiniteBench or LongBench"},
    {"export", "write results in another harness' layout, or as CSV"},
};

struct Program {
  CLI::App app{"Larimar-MPI: an external memory for language models, sharded over MPI ranks"};
  RunCommand run;
  IngestCommand ingest, append;
  AskCommand ask;
  BenchCommand bench;
  JobSetup bench_setup;  // as usual
  ForgetCommand forget;
  UpdateCommand update;
  std::map<std::string, EvalCommand> evaluations;  // by command
  std::map<std::string, EvalFilesCommand> eval_files;
  ModelEvalCommand model;
  CapacityCommand capacity;
  ConvertCommand convert;
  StaticKeysCommand static_keys;
  DoctorCommand doctor;
  PlanCommand plan;
  ReportCommand report;
  TrainCommand train;
  JobSetup info;
  CareCommand care;  // verify, salvage, reshard, show-segment, info
  bool info_failpoints = false;
  std::function<int()> chosen;
  std::vector<std::string> command_line;

  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& text, std::function<int()> action) {
    CLI::App* command = parent.add_subcommand(name, text);
    command->callback([this, action = std::move(action)] { chosen = action; });
    return command;
  }

  /// A command that is called again over the others when a rank dies.
  template <class Options, class Command>
  std::function<int()> command_on_ranks(Command command, Options& options) {
    return [this, command, &options] {
      constexpr bool kAnswers = std::is_same_v<Options, RunCommand> || std::is_same_v<Options, AskCommand>;
      return run_on_ranks({.work = [&](comm::Transport& t, Session& s) { return command(t, s, options); },
                           .setup = options.setup,
                           .may_answer_partly = kAnswers,
                           .goes_on = !kAnswers,
                           .command_line = command_line});
    };
  }

  /// One that is not, since it cannot tell what it has already done.
  template <class Options, class Command>
  std::function<int()> once_on_ranks(Command command, Options& options) {
    return [this, command, &options] {
      return run_on_ranks({.work = [&](comm::Transport& t, Session&) { return command(t, options); },
                           .setup = options.setup,
                           .may_start_again = false,
                           .command_line = command_line});
    };
  }

  void add_evaluations(CLI::App& eval) {
    for (const auto& [name, text] : kEvaluations) {
      EvalCommand& command = evaluations[name];
      command.preset.name = name;
      if (command.preset.name == "needles") command.preset.axes.forms = {"prefix", "question"};
      add_eval_preset_options(*add(eval, name, text, command_on_ranks(eval_command, command)), command);
    }
    EvalCommand& run_file = evaluations["run"];
    add_eval_run_options(
        *add(eval, "run", "what a run file in YAML asks for", command_on_ranks(eval_command, run_file)), run_file);
    for (const auto& [name, text] : kEvalFiles) {
      EvalFilesCommand& command = eval_files[name];
      command.action = name;
      add_eval_files_options(*add(eval, name, text, [&command] { return eval_files_command(command); }), command);
    }
  }

  Program() {
    app.require_subcommand(1);
    app.set_version_flag("--version", "larimar " + build_text());
    add_run_options(*add(app, "run", "ingest a context and answer queries about it, in one job",
                         command_on_ranks(run_command, run)),
                    run);
    append.kind = IngestKind::kAppend;
    add_ingest_options(*add(app, "ingest", "write a memory folder; goes on with one that is unfinished",
                            command_on_ranks(ingest_command, ingest)),
                       ingest);
    add_ingest_options(
        *add(app, "append", "more documents or codes for a memory folder", command_on_ranks(ingest_command, append)),
        append);
    add_ask_options(
        *add(app, "ask", "answer queries, or read keys, from a memory folder", command_on_ranks(ask_command, ask)),
        ask);
    add_forget_options(
        *add(app, "forget", "take segments out of a memory folder", once_on_ranks(forget_command, forget)), forget);
    add_update_options(*add(app, "update", "replace codes in a memory folder", once_on_ranks(update_command, update)),
                       update);
    CLI::App* eval = app.add_subcommand("eval", "measure recall and the model");
    eval->require_subcommand(1);
    add_evaluations(*eval);
    add_eval_model_options(*add(*eval, "model", "how exactly codes hold text that the model has not seen",
                                [this] { return eval_model_command(model); }),
                           model);
    add_eval_capacity_options(*add(*eval, "capacity", "how many facts each kind of memory holds, and forgets",
                                   [this] { return eval_capacity_command(capacity); }),
                              capacity);
    add_convert_options(
        *add(app, "convert", "a Larimar checkpoint or a GGUF file into a folder that this program loads",
             [this] { return convert_command(convert); }),
        convert);
    add_static_keys_options(*add(app, "static-keys", "make the table of --keys static from all-MiniLM-L6-v2, once",
                                 [this] { return static_keys_command(static_keys); }),
                            static_keys);
    add_report_options(*add(app, "report", "figures and one page from the results of evaluations",
                            [this] { return report_command(report); }),
                       report);
    add_train_options(
        *add(app, "train", "train larimar-compact; each rank learns a part of every batch",
             [this] {
               return run_on_ranks({.work = [this](comm::Transport& t, Session&) { return train_command(t, train); },
                                    .setup = train.setup,
                                    .may_start_again = false,
                                    .goes_on = true,
                                    .command_line = command_line});
             }),
        train);
    add_doctor_options(
        *add(app, "doctor", "is this machine ready: launcher, hosts, memory, threads, file system, clocks",
             [this] {
               return run_on_ranks({.work = [this](comm::Transport& t, Session&) { return doctor_command(t, doctor); },
                                    .setup = doctor.setup,
                                    .may_start_again = false,
                                    .checks_start = false,
                                    .command_line = command_line});
             }),
        doctor);
    add_plan_options(
        *add(app, "plan", "predict time, memory and disk of a memory of some size; exit 78 if it does not fit",
             [this] { return plan_command(plan); }),
        plan);
    add_bench_options(
        *add(app, "bench", "measure the hot paths as shares of this machine's limits",
             [this] {
               return run_on_ranks({.work = [this](comm::Transport& t, Session&) { return bench_command(t, bench); },
                                    .setup = bench_setup,
                                    .may_start_again = false,
                                    .command_line = command_line});
             }),
        bench);
    add_info_options(*add(app, "info", "what this program is and finds",
                          [this] {
                            return care.memory.empty() ? info_command(info, care.json, info_failpoints)
                                                       : memory_info_command(care);
                          }),
                     info, care, info_failpoints);
    const auto look_after = [this](const std::string& name, const std::string& text,
                                   int (*command)(const CareCommand&)) {
      add_care_options(*add(app, name, text, [this, command] { return command(care); }), care);
    };
    look_after("verify", "check every byte of a memory folder; exit 65 if it is damaged", verify_command);
    look_after("salvage", "what is whole of a damaged memory folder, into a new one", salvage_command);
    look_after("reshard", "a memory folder written anew, without what was forgotten", reshard_command);
    look_after("export", "codes, keys and ids of a memory folder as safetensors", export_command);
    look_after("show-segment", "where a segment comes from and what is stored of it", show_segment_command);
    for (CLI::App* command : app.get_subcommands({})) name_environment(*command, command->get_name());
    for (CLI::App* command : eval->get_subcommands({})) name_environment(*command, "eval_" + command->get_name());
  }
};

}  // namespace

int run_program(int argc, char** argv) {
  set_numeric_locale();
  Program program;
  program.command_line.assign(argv, argv + argc);
  program.run.command_line = program.command_line;
  program.ask.command_line = program.report.command_line = program.run.command_line;
  program.ingest.command_line = program.append.command_line = program.run.command_line;
  try {
    refuse_unknown_command(program.app, argc, argv);
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;  // --help or --version
    if (prints_for_job()) program.app.exit(error, std::cout, std::cerr);
    if (asked) return 0;
    let_the_speaker_leave();
    return static_cast<int>(base::ExitCode::kUsage);
  }
  try {
    return program.chosen();
  } catch (const base::Error& error) {
    if (prints_for_job()) base::log(base::LogLevel::kError, error.what());
    let_the_speaker_leave();
    return exit_code(error);
  } catch (const std::exception& error) {
    base::log(base::LogLevel::kError, std::string("unexpected failure: ") + error.what());
    return static_cast<int>(base::ExitCode::kInternal);
  }
}

}  // namespace larimar::launch

#pragma once
// The command line, one function for each command: what it takes, and where that goes.
#include <CLI/CLI.hpp>

#include "launch/commands.h"

namespace larimar::launch {

/// Groups of options that several commands share.
void add_threads_option(CLI::App& app, int& threads);
void add_network_options(CLI::App& app, JobSetup& setup);
void add_memory_options(CLI::App& app, JobSetup& setup);
void add_read_options(CLI::App& app, JobSetup& setup);
void add_rank_options(CLI::App& app, JobSetup& setup);

void add_run_options(CLI::App& app, RunCommand& command);
void add_ingest_options(CLI::App& app, IngestCommand& command);
void add_ask_options(CLI::App& app, AskCommand& command);
void add_forget_options(CLI::App& app, ForgetCommand& command);
void add_update_options(CLI::App& app, UpdateCommand& command);
/// The folder stands without an option's name: larimar verify DIR.
void add_care_options(CLI::App& app, CareCommand& command);
/// Of the preset that `command` names: larimar eval passkey, needle, ...
void add_eval_preset_options(CLI::App& app, EvalCommand& command);
/// The run file stands without an option's name: larimar eval run FILE.
void add_eval_run_options(CLI::App& app, EvalCommand& command);
void add_eval_files_options(CLI::App& app, EvalFilesCommand& command);
void add_eval_model_options(CLI::App& app, ModelEvalCommand& command);
void add_eval_capacity_options(CLI::App& app, CapacityCommand& command);
void add_convert_options(CLI::App& app, ConvertCommand& command);
void add_static_keys_options(CLI::App& app, StaticKeysCommand& command);
void add_report_options(CLI::App& app, ReportCommand& command);
void add_train_options(CLI::App& app, TrainCommand& command);
void add_doctor_options(CLI::App& app, DoctorCommand& command);
void add_plan_options(CLI::App& app, PlanCommand& command);
void add_bench_options(CLI::App& app, BenchCommand& command);
void add_info_options(CLI::App& app, JobSetup& setup, CareCommand& memory, bool& failpoints);

/// Every long option may also be given as LARIMAR_<COMMAND>_<NAME>, say LARIMAR_RUN_THREADS. Call after adding them.
void name_environment(CLI::App& app, const std::string& command);

}  // namespace larimar::launch

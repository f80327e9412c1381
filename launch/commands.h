#pragma once
// The commands of the program. Each takes what the command line said and returns the exit code; errors are thrown.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/parts/measured.h"
#include "common/comm/transport.h"
#include "eval/presets.h"
#include "launch/ingest_plan.h"
#include "launch/session.h"
#include "launch/setup.h"
#include "train/static_fit.h"
#include "train/trainer.h"

namespace larimar::launch {

struct RunCommand {
  JobSetup setup;
  std::vector<std::filesystem::path> context;
  std::filesystem::path queries;   // JSON lines
  std::vector<std::string> query;  // from the command line
  std::filesystem::path out = "larimar-out";
  bool json = false;  // print answers.jsonl to standard output instead of a table
  std::vector<std::string> command_line;
};

/// Into a memory folder.
struct IngestCommand {
  JobSetup setup;
  IngestKind kind = IngestKind::kIngest;
  std::filesystem::path memory;                // the folder
  std::vector<std::filesystem::path> context;  // text; or
  std::filesystem::path codes;                 // safetensors
  std::filesystem::path out;                   // folder of run.json; empty: none
  std::vector<std::string> command_line;
  std::filesystem::path acknowledge;  // gets a line for each block that is on disk
  double max_time = 0;                // seconds of ingest after which it stops, to be gone on with; 0: no limit
};

/// Out of a memory folder: queries to answers, or keys to codes.
struct AskCommand {
  JobSetup setup;
  std::filesystem::path memory;
  std::filesystem::path queries;
  std::vector<std::string> query;
  std::filesystem::path keys;  // safetensors with read keys, instead of queries
  std::filesystem::path out;   // folder of answers.jsonl and run.json; with keys a safetensors file
  bool json = false;
  std::vector<std::string> command_line;
};

/// Segments leave a memory folder, or are replaced.
struct ForgetCommand {
  JobSetup setup;
  std::filesystem::path memory;
  std::vector<std::uint64_t> ids;
  std::vector<std::filesystem::path> documents;
  std::vector<std::string> query;  // segments whose keys are near to this text
  std::filesystem::path keys;      // or to one of these keys
  double threshold = 0.9;          // how near
};
struct UpdateCommand {
  JobSetup setup;
  std::filesystem::path memory;
  std::filesystem::path codes;  // rows whose ids are there already replace them
};

/// What looks after a memory folder; in one process.
struct CareCommand {
  std::filesystem::path memory;
  std::filesystem::path out;  // salvage and reshard: the new folder; export: the file
  std::uint64_t id = 0;       // show-segment
  bool json = false;
};

/// One preset, or what a run file asks for.
struct EvalCommand {
  JobSetup setup;
  eval::Preset preset;
  std::filesystem::path run_file;  // instead of the preset
  std::filesystem::path haystack, filler, length_tokenizer, out = "larimar-eval";
  std::string beyond = "refuse";
  std::uint64_t piece_bytes = 0;
  std::vector<std::uint64_t> lengths{0};
  std::string depths;           // a list or MIN:MAX:NUM[:scale]; empty: the preset's
  std::size_t depth_count = 0;  // > 0: that many even depths instead
  std::vector<std::string> key_modes{"prefix"};
  std::string part;                // "2/8"; empty: from Slurm's array variables
  std::uint64_t limit = 0;         // trials
  std::string system = "larimar";  // or "full-context", "bm25", "minilm"
  std::size_t window = 0;          // tokens that full-context reads; 0: the model's positions, at most 8,192
  std::string system_name;
  bool dry_run = false;
  double fail_under = 0;
};

struct ConvertCommand {
  std::filesystem::path file, out, encoder_tokenizer, decoder_tokenizer;
  int encoder_heads = 0, decoder_heads = 0;  // 0: width / 64
  int segment_tokens = 64;
  bool no_past = false, no_embedding = false;
};
/// What works on result and data files alone: merge, reconstruct, validate, import, export.
struct EvalFilesCommand {
  std::string action;
  std::filesystem::path path;      // results folder, run file or data file
  std::filesystem::path out;       // where to
  std::filesystem::path haystack;  // reconstruct: where the source lies now
  std::size_t row = 1;             // reconstruct
  std::string format;              // import, export
};

struct ModelEvalCommand {
  JobSetup setup;
  std::filesystem::path data, out = "larimar-eval";
  std::uint64_t segments = 0;  // 0: all
  std::uint64_t seed = 1;
};

/// How much memories hold, by random codes and by facts of files.
struct CapacityCommand {
  JobSetup setup;
  std::vector<std::filesystem::path> facts;
  std::vector<std::string> fact_keys{"code", "sentence"};
  std::vector<std::uint64_t> slots{128, 256, 512, 1024};
  std::vector<std::uint64_t> facts_counts{64, 128, 256, 512, 1024, 2048, 4096};
  std::filesystem::path out = "larimar-eval";
  std::uint64_t seed = 1;
  bool quick = false;
};

/// Is this machine ready? setup: --threads, --model, --keys-folder and --patience.
struct DoctorCommand {
  JobSetup setup;
  std::filesystem::path folder;  // whose file system is tried; empty: none
  bool json = false;
};

/// A table of --keys static, fitted to MiniLM on text.
struct StaticKeysCommand {
  std::filesystem::path text, out;    // folder of *.txt and *.txt.zst; the table
  std::filesystem::path keys_folder;  // empty: the usual one
  std::size_t sentences = 150'000;
  train::StaticFitOptions fit;
  int threads = 1;
};

/// Figures and a page from evaluations that ran.
struct ReportCommand {
  std::vector<std::string> folders;  // OUT or NAME=OUT
  std::filesystem::path out = "larimar-report", published;
  std::string title = "Recall over long contexts", scale = "viridis", score = "value";
  bool png = false;
  std::vector<std::string> command_line;
};

/// setup: --threads and --patience.
struct TrainCommand {
  JobSetup setup;
  train::TrainOptions options;
};

/// Measurements of this machine.
struct BenchCommand {
  bench::BenchOptions options;
  std::vector<std::string> parts;  // empty: all
  std::filesystem::path out;       // JSON file; empty: none
  bool json = false;               // print JSON instead of a table
};

/// What a memory of some size would take on some ranks; nothing is started.
struct PlanCommand {
  std::string tokens, memory_per_rank;  // "1B", "4G"; see launch/quantities.h
  std::int64_t ranks = 1, decoders = 1;
  double tokens_per_segment = 25;
  std::string keys = "minilm", key_store = "fp32";
  bool key_folder = false;      // compressed keys in a mapped file
  std::filesystem::path rates;  // JSON of larimar bench; empty: the usual rates
  bool json = false;
};

/// Collective: called by all ranks. Those with a session are called again after a death.
[[nodiscard]] int run_command(comm::Transport& transport, Session& session, const RunCommand& command);
[[nodiscard]] int ingest_command(comm::Transport& transport, Session& session, const IngestCommand& command);
[[nodiscard]] int ask_command(comm::Transport& transport, Session& session, const AskCommand& command);
[[nodiscard]] int forget_command(comm::Transport& transport, const ForgetCommand& command);
[[nodiscard]] int update_command(comm::Transport& transport, const UpdateCommand& command);
/// Needs no start check: what that would refuse is among the findings. Returns 0, 3 or 78.
[[nodiscard]] int doctor_command(comm::Transport& transport, const DoctorCommand& command);
[[nodiscard]] int eval_command(comm::Transport& transport, Session& session, const EvalCommand& command);
[[nodiscard]] int bench_command(comm::Transport& transport, const BenchCommand& command);
[[nodiscard]] int train_command(comm::Transport& transport, const TrainCommand& command);
/// In one process; no MPI.
/// Returns 0 where it fits, 78 where it does not. Throws UsageError naming the option.
[[nodiscard]] int plan_command(const PlanCommand& command);
[[nodiscard]] int verify_command(const CareCommand& command);
[[nodiscard]] int salvage_command(const CareCommand& command);
[[nodiscard]] int reshard_command(const CareCommand& command);
[[nodiscard]] int export_command(const CareCommand& command);
[[nodiscard]] int show_segment_command(const CareCommand& command);
[[nodiscard]] int memory_info_command(const CareCommand& command);
[[nodiscard]] int eval_files_command(const EvalFilesCommand& command);
[[nodiscard]] int eval_model_command(const ModelEvalCommand& command);
[[nodiscard]] int eval_capacity_command(const CapacityCommand& command);
/// Hands the file to the converter in tools/ and becomes it: returns only if that fails. No MPI.
[[nodiscard]] int convert_command(const ConvertCommand& command);
[[nodiscard]] int static_keys_command(const StaticKeysCommand& command);
[[nodiscard]] int report_command(const ReportCommand& command);
/// `failpoints`: their list instead.
[[nodiscard]] int info_command(const JobSetup& setup, bool json, bool failpoints);

}  // namespace larimar::launch

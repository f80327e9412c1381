#include "launch/options.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "common/base/error.h"
#include "launch/threads.h"

namespace larimar::launch {

namespace {

void add_key_table_option(CLI::App& app, JobSetup& setup) {
  app.add_option("--key-table", setup.key_table, "table of --keys static (default: the one shipped with the program)");
}

}  // namespace

void add_threads_option(CLI::App& app, int& threads) {
  threads = usual_threads();
  app.add_option("--threads", threads, "threads of each rank (default: SLURM_CPUS_PER_TASK, or 1)")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

void add_network_options(CLI::App& app, JobSetup& setup) {
  app.add_option("--model", setup.model, "folder of the model (default: the larimar-compact shipped with the program)");
  app.add_option("--keys", setup.keys,
                 "what makes read and write keys: minilm, static (a table made from it: fast to write, minilm orders "
                 "what is found), "
                 "model (codes of length 1), code, or auto (minilm if installed)")
      ->check(CLI::IsMember({"auto", "minilm", "static", "model", "code"}))
      ->capture_default_str();
  app.add_option("--keys-folder", setup.keys_folder,
                 "folder of all-MiniLM-L6-v2 (default: where launch/install.sh puts it)");
  add_key_table_option(app, setup);
  app.add_option("--arithmetic", setup.arithmetic,
                 "of the encoders' linear layers: float, or integer, which is about 1.5 times as fast and changes keys "
                 "and codes in "
                 "the fourth digit")
      ->transform(CLI::CheckedTransformer(std::map<std::string, model::Arithmetic>{
          {"float", model::Arithmetic::kFloat}, {"integer", model::Arithmetic::kInteger}}))
      ->default_str("float");
}

namespace {

/// An option whose value is one of the names that memory/rules.h parses.
template <class Value, class Parse>
void add_named(CLI::App& app, const std::string& name, const std::string& text, const std::string& usual,
               const Parse& parse, Value& value) {
  app.add_option_function<std::string>(
         name,
         [&value, parse, name](const std::string& given) {
           try {
             value = parse(given);
           } catch (const base::Error& error) {
             throw CLI::ValidationError(name, error.what());
           }
         },
         text)
      ->default_str(usual);
}

void add_addressing_options(CLI::App& app, JobSetup& setup) {
  memory::MemoryRules& rules = setup.memory;
  add_named(app, "--addressing", "how keys become weights over slots: nearest, topk, dense or gaussian", "nearest",
            memory::parse_addressing, rules.addressing);
  add_named(app, "--aggregation",
            "how the shards' reads become one: best, sum, topk or hierarchical (default: what fits the addressing)", "",
            memory::parse_aggregation, setup.aggregation);
  add_named(app, "--solve",
            "least squares of all shards together, of each, or the fixed-step one: global, local, ben-cohen", "global",
            memory::parse_solve, rules.solve);
  add_named(app, "--read-weights",
            "dense reads: by the key memory's pseudo-inverse, or the memory's: key-memory, memory", "key-memory",
            memory::parse_read_weights, rules.read_weights);
  app.add_option("--slots", rules.slots, "rows K of a codebook made from the keys; 0: every segment has its own slot")
      ->capture_default_str();
  app.add_option("--m0", setup.m0, "safetensors with the codebook's rows, F32 [K, D]; or model: the model's own");
  // Values of the three are checked by memory::check, which says what they mean.
  app.add_option("--ridge", rules.ridge, "ridge of the least squares")->capture_default_str();
  app.add_option("--alpha", rules.alpha, "variance of gaussian addressing")->capture_default_str();
  app.add_option("--temperature", rules.temperature, "of the softmax of topk")->capture_default_str();
  app.add_option("--top", rules.top, "slots that topk mixes")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--steps", rules.steps, "of the iteration of ben-cohen")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
}

}  // namespace

void add_memory_options(CLI::App& app, JobSetup& setup) {
  static const std::map<std::string, text::SegmentForm> kForms{{"sentence", text::SegmentForm::kSentence},
                                                               {"window", text::SegmentForm::kWindow}};
  app.add_option("--prefix-words", setup.rules.prefix_words, "words of a segment in a key of mode prefix")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--segment", setup.rules.segments.form,
                 "how text is cut: sentence, or window (sentences packed together)")
      ->transform(CLI::CheckedTransformer(kForms))
      ->default_str("sentence");
  app.add_option("--max-tokens", setup.rules.segments.max_tokens,
                 "most tokens of a segment; the model's limit if that is lower")
      ->check(CLI::Range(8, 4096))
      ->capture_default_str();
  app.add_flag("--strict", setup.rules.strict,
               "refuse text that is not valid UTF-8 instead of reading such bytes as '?'");
  app.add_option("--max-line", setup.rules.max_line_bytes, "longest line in bytes; a longer one is refused")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_addressing_options(app, setup);
}

namespace {

void add_decoder_model_options(CLI::App& app, JobSetup& setup) {
  app.add_option(
      "--decoder-model", setup.decoder_model,
      "language model that reads the codes in place of the model's own decoder: larimar-smol, or a folder that train "
      "--codes-of wrote");
  app.add_option(
      "--language-model", setup.language,
      "folder of the model for --rerank, --reader and --decoder-model (default: SmolLM2, where launch/install.sh puts "
      "it)");
}

}  // namespace

void add_language_options(CLI::App& app, JobSetup& setup) {
  const auto add_switch = [&](const char* name, const char* on, bool& value, const char* text) {
    app.add_option_function<std::string>(
           name, [&value, on = std::string(on)](const std::string& given) { value = given == on; }, text)
        ->check(CLI::IsMember({"none", on}))
        ->default_str("none");
  };
  add_switch("--rerank", "likelihood", setup.rerank,
             "order a question's candidates by how well they explain it: likelihood, or none");
  app.add_option("--candidates", setup.candidates, "segments that --rerank orders for a question")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--key-weight", setup.key_weight,
                 "weight of a key's cosine beside the mean log likelihood in --rerank (default: 4; 0 with --keys code)")
      ->check(CLI::Range(0.0, 1000.0));
  app.add_option_function<std::string>(
         "--reader",
         [&setup](const std::string& given) {
           setup.reader = given == "smollm2";
           setup.code_reader = given == "codes";
         },
         "who words the answer to a question: smollm2 (from the decoded texts), codes (--decoder-model, from z_read "
         "alone), or none "
         "(the segment)")
      ->check(CLI::IsMember({"none", "smollm2", "codes"}))
      ->default_str("none");
  add_decoder_model_options(app, setup);
}

namespace {

void add_key_store_options(CLI::App& app, JobSetup& setup) {
  add_named(app, "--key-store",
            "keys as a search passes over them: fp32, bf16 or int8; the answers are the same, the time and memory less",
            "fp32", shard::parse_key_store, setup.key_store);
  app.add_option("--key-folder", setup.key_folder,
                 "keep bf16 or int8 keys in a mapped file in this folder, for more than fit into memory");
}

}  // namespace

void add_read_options(CLI::App& app, JobSetup& setup) {
  app.add_option("--shortlist", setup.shortlist, "segments that --keys static finds for a query and MiniLM orders")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--reads", setup.reads, "segments read and decoded for a query")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option(
         "--scope", setup.scope,
         "a query whose best key is less similar than this is out of scope (default: 0.3; none with --keys code)")
      ->check(CLI::Range(-1.0, 1.0));
  add_key_store_options(app, setup);
  add_language_options(app, setup);
}

namespace {

void add_key_mode_option(CLI::App& app, JobSetup& setup) {
  app.add_option("--key-mode", setup.key_mode, "what write keys are made from: prefix, segment or sentence")
      ->check(CLI::IsMember({"prefix", "segment", "sentence"}))
      ->capture_default_str();
}

void add_scope_options(CLI::App& app, JobSetup& setup) {
  app.add_option(
      "--calibrate", setup.calibrate,
      "text that is not in the context: --scope becomes the similarity that 95 % of its sentences stay below");
}

}  // namespace

namespace {

void add_device_options(CLI::App& app, JobSetup& setup) {
  app.add_option("--device", setup.device,
                 "device of the decoder and the language model: cpu, cuda (ranks of a host take turns on its devices), "
                 "cuda:N, or auto (cuda, or the CPU where there is none)")
      ->capture_default_str();
  app.add_option("--encode-device", setup.encode_device, "device of the encoders, chosen in the same way")
      ->capture_default_str();
}

}  // namespace

void add_rank_options(CLI::App& app, JobSetup& setup) {
  add_device_options(app, setup);
  app.add_option("--dtype", setup.dtype,
                 "type of the weights of a Larimar decoder and of the language model: float32, bfloat16 or float16")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}))
      ->capture_default_str();
  add_threads_option(app, setup.threads);
  app.add_option("--decoders", setup.decoders, "ranks that decode")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--batch", setup.batch, "queries read together")->check(CLI::Range(1, 65536))->capture_default_str();
  app.add_option("--patience", setup.patience, "seconds of silence of a rank after which the job ends")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  static const std::map<std::string, OnLoss> kOnLoss{
      {"recover", OnLoss::kRecover}, {"degrade", OnLoss::kDegrade}, {"end", OnLoss::kEnd}};
  app.add_option(
         "--on-loss", setup.on_loss,
         "when a rank dies, with ULFM: recover (others take over its part), degrade (answer without it), or end")
      ->transform(CLI::CheckedTransformer(kOnLoss))
      ->default_str("recover");
  app.add_option("--seed", setup.seed, "of the codebook's start")->capture_default_str();
  app.add_flag("--quiet", setup.quiet, "no progress on standard error");
}

void add_run_options(CLI::App& app, RunCommand& command) {
  app.add_option("--context", command.context,
                 "documents, or folders of documents, on a file system that all ranks see")
      ->required();
  app.add_option("--queries", command.queries, "JSON lines with id and prefix or question");
  app.add_option("--query", command.query,
                 "a question (ends with '?') or a prefix to complete; may be given several times");
  app.add_option("--out", command.out, "folder of answers.jsonl and run.json")->capture_default_str();
  add_key_mode_option(app, command.setup);
  app.add_flag("--json", command.json, "print the answers as JSON lines");
  add_network_options(app, command.setup);
  add_memory_options(app, command.setup);
  add_read_options(app, command.setup);
  add_scope_options(app, command.setup);
  add_rank_options(app, command.setup);
}

void add_ingest_options(CLI::App& app, IngestCommand& command) {
  app.add_option("--memory", command.memory, "folder of the memory, on a file system that all ranks see")->required();
  app.add_option("--context", command.context,
                 "documents, folders of documents, or - for standard input; unchanged ones that are there are skipped");
  app.add_option("--codes", command.codes,
                 "safetensors instead of text: z F32 [N, C], and if they differ keys F32 [N, D] and ids I64 [N]");
  app.add_option("--out", command.out, "folder that gets run.json, what the ingest was asked and how it went");
  app.add_option("--acknowledge", command.acknowledge,
                 "file that gets a line, the block's number, for each block once it is on disk");
  app.add_option("--max-time", command.max_time,
                 "seconds after which an ingest stops with exit code 75; the same command goes on with it")
      ->check(CLI::NonNegativeNumber);
  add_key_mode_option(app, command.setup);
  add_network_options(app, command.setup);
  add_memory_options(app, command.setup);
  add_rank_options(app, command.setup);
}

void add_ask_options(CLI::App& app, AskCommand& command) {
  app.add_option("--memory", command.memory, "folder that larimar ingest made")->required();
  app.add_option("--queries", command.queries, "JSON lines with id and prefix or question");
  app.add_option("--query", command.query,
                 "a question (ends with '?') or a prefix to complete; may be given several times");
  app.add_option("--keys", command.keys, "safetensors with read keys, keys F32 [Q, D], instead of queries");
  app.add_option("--out", command.out,
                 "folder of answers.jsonl and run.json; with --keys a safetensors file with z, score, slot, shard, id");
  app.add_flag("--json", command.json, "print the answers as JSON lines");
  app.add_option("--model", command.setup.model, "folder of the model that wrote the memory");
  app.add_option("--keys-folder", command.setup.keys_folder, "folder of all-MiniLM-L6-v2");
  add_key_table_option(app, command.setup);
  add_read_options(app, command.setup);
  add_scope_options(app, command.setup);
  add_rank_options(app, command.setup);
}

void add_forget_options(CLI::App& app, ForgetCommand& command) {
  app.add_option("--memory", command.memory, "folder that larimar ingest made")->required();
  app.add_option("--id", command.ids, "ids of segments, as citations name them")->delimiter(',');
  app.add_option("--document", command.documents, "documents, all of their segments");
  app.add_option("--query", command.query, "segments whose keys are at least --threshold similar to this text's");
  app.add_option("--keys", command.keys, "the same for keys from a safetensors file, keys F32 [Q, D]");
  app.add_option("--threshold", command.threshold, "least key similarity of what --query and --keys forget")
      ->capture_default_str();
  app.add_option("--keys-folder", command.setup.keys_folder, "folder of all-MiniLM-L6-v2");
  add_key_table_option(app, command.setup);
  add_rank_options(app, command.setup);
}

void add_update_options(CLI::App& app, UpdateCommand& command) {
  app.add_option("--memory", command.memory, "folder that larimar ingest made")->required();
  app.add_option("--codes", command.codes, "safetensors as for ingest; each id must be there, and its code is replaced")
      ->required();
  add_rank_options(app, command.setup);
}

void add_care_options(CLI::App& app, CareCommand& command) {
  app.add_option("memory,--memory", command.memory, "folder that larimar ingest made")->required();
  const std::string name = app.get_name();
  if (name == "salvage" || name == "reshard")
    app.add_option("--out", command.out, "the new memory, a folder that is not there yet")->required();
  if (name == "export")
    app.add_option("--out", command.out, "safetensors with z, keys, key_owner (the row of z a key belongs to) and ids")
        ->required();
  if (name == "show-segment") app.add_option("--id", command.id, "as citations name it")->required();
  if (name == "verify") app.add_flag("--json", command.json, "one JSON object");
}

void add_eval_model_options(CLI::App& app, ModelEvalCommand& command) {
  add_network_options(app, command.setup);
  add_decoder_model_options(app, command.setup);
  app.add_option("--data", command.data, "folder of *.txt or *.txt.zst that the model was not trained on")->required();
  app.add_option("--out", command.out, "folder of model.json")->capture_default_str();
  app.add_option("--segments", command.segments, "most segments to judge by; 0: all")->capture_default_str();
  app.add_option("--seed", command.seed, "of the strings that are planted")->capture_default_str();
  add_threads_option(app, command.setup.threads);
  add_device_options(app, command.setup);
}

void add_eval_capacity_options(CLI::App& app, CapacityCommand& command) {
  add_network_options(app, command.setup);
  app.add_option("--facts", command.facts,
                 "JSON lists of facts as in CounterFact or zsRE; random codes are always measured");
  app.add_option("--fact-keys", command.fact_keys, "keys of those facts: code, sentence (made by --keys)")
      ->delimiter(',')
      ->check(CLI::IsMember({"code", "sentence"}))
      ->capture_default_str();
  app.add_option("--slots", command.slots, "numbers of slots K")->delimiter(',')->capture_default_str();
  app.add_option("--facts-counts", command.facts_counts, "numbers of facts N")->delimiter(',')->capture_default_str();
  app.add_flag("--quick", command.quick, "a small grid of its own, to see that all works");
  app.add_option("--out", command.out, "folder of capacity.csv, capacity.json and a drawing for each source")
      ->capture_default_str();
  app.add_option("--seed", command.seed, "of codes, key memories and choices")->capture_default_str();
  add_threads_option(app, command.setup.threads);
  add_device_options(app, command.setup);
}

void add_doctor_options(CLI::App& app, DoctorCommand& command) {
  app.add_option("--folder", command.folder,
                 "try the file system of this folder too: where memories and results will lie");
  app.add_option("--model", command.setup.model, "folder of the model (default: the one shipped with the program)");
  app.add_option("--keys-folder", command.setup.keys_folder, "folder of all-MiniLM-L6-v2");
  app.add_option("--threads", command.setup.threads, "threads of each rank of the job that is planned")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--patience", command.setup.patience, "seconds of silence after which the check itself ends")
      ->capture_default_str();
  app.add_flag("--json", command.json, "one JSON object instead of a table");
}

void add_info_options(CLI::App& app, JobSetup& setup, CareCommand& memory, bool& failpoints) {
  add_network_options(app, setup);
  app.add_option("--memory", memory.memory, "tell about this memory folder instead, as JSON");
  app.add_flag("--failpoints", failpoints, "list the places where LARIMAR_FAILPOINT can make the program fail");
  app.add_flag("--json", memory.json, "one JSON object");
}

void name_environment(CLI::App& app, const std::string& command) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option->get_lnames().front() == "help") continue;
    std::string name = "LARIMAR_" + command + "_" + option->get_lnames().front();
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    option->envname(name);
  }
}

}  // namespace larimar::launch

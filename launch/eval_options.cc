#include "launch/baseline.h"
#include "launch/options.h"

namespace larimar::launch {
namespace {

/// What a preset and a run file have in common.
void add_shared_options(CLI::App& app, EvalCommand& command) {
  add_network_options(app, command.setup);
  add_memory_options(app, command.setup);
  add_read_options(app, command.setup);
  add_rank_options(app, command.setup);
  app.add_option("--out", command.out, "folder of results.jsonl and summary.json; a run that is there goes on")
      ->capture_default_str();
  app.add_option("--length-tokenizer", command.length_tokenizer,
                 "tokenizer.json that counts context lengths (default: the model's)");
  app.add_option("--part", command.part,
                 "I/N: every N-th trial from the I-th, into a file of its own (default: from Slurm's array variables)");
  app.add_option("--limit", command.limit, "trials at most, the first ones; 0: all")->capture_default_str();
  app.add_option(
         "--system", command.system,
         "what is tested: larimar, or in one process a language model that reads the context (full-context), or "
         "retrieval of the same segments (bm25, minilm)")
      ->check(CLI::IsMember({kMemorySystem, kFullContextSystem, kBm25System, kMiniLmSystem}))
      ->capture_default_str();
  app.add_option(
         "--window", command.window,
         "tokens of context, question and answer that full-context takes; the middle of a longer context is left "
         "out (default: the model's positions, at most 8192)")
      ->check(CLI::PositiveNumber);
  app.add_option("--system-name", command.system_name,
                 "what rows call the system (default: --system, of full-context with the model)");
  app.add_flag("--dry-run", command.dry_run, "print what would be done, with time and memory for each rank, and stop");
  app.add_option("--fail-under", command.fail_under, "exit 1 if a recall is below this")->check(CLI::Range(0.0, 1.0));
}

void add_haystack_options(CLI::App& app, EvalCommand& command) {
  app.add_option("--haystack", command.haystack,
                 "folder of documents, one file, - for standard input, generate:SEED or generate:literature");
  app.add_option("--filler", command.filler, "folder of *.txt or *.txt.zst that lengthens the haystack");
  app.add_option("--beyond", command.beyond, "a length beyond haystack and filler: refuse it, or repeat the haystack")
      ->check(CLI::IsMember({"refuse", "repeat"}))
      ->capture_default_str();
  app.add_option(
         "--pieces", command.piece_bytes,
         "cut the haystack at paragraphs into documents of about this many bytes, so that less is encoded again "
         "for each trial; 0: as they are")
      ->capture_default_str();
  app.add_option("--lengths", command.lengths, "context lengths in tokens; 0: the whole haystack")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--key-modes", command.key_modes, "prefix, segment, sentence")->delimiter(',')->capture_default_str();
}

void add_forms_option(CLI::App& app, eval::Preset& preset) {
  app.add_option("--forms", preset.axes.forms, "how to ask: prefix, question")->delimiter(',')->capture_default_str();
}

void add_axes_options(CLI::App& app, EvalCommand& command) {
  app.add_option("--depths", command.depths,
                 "percent of the context before the needle: a list, MIN:MAX:NUM, or MIN:MAX:NUM:sigmoid (default "
                 "0,25,50,75,100)");
  app.add_option("--depth-count", command.depth_count, "that many even depths from 0 to 100 instead of --depths");
  app.add_option("--seeds", command.preset.axes.seeds, "trials at each depth")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

// Not --keys: that says what makes read and write keys.
void add_key_options(CLI::App& app, eval::Preset& preset) {
  app.add_option("--key-count", preset.keys, "keys that are asked for")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--value-count", preset.values, "values of each key")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--distractors", preset.distractors, "keys that nobody asks for")->capture_default_str();
  app.add_option("--words", preset.words, "file of words to draw from (default: made of syllables)");
}

}  // namespace

void add_eval_preset_options(CLI::App& app, EvalCommand& command) {
  eval::Preset& preset = command.preset;
  const std::string& name = preset.name;
  add_shared_options(app, command);
  if (name != "dataset") add_haystack_options(app, command);
  if (name == "dataset") {
    app.add_option("--dataset", preset.dataset, "folder that larimar eval import made")->required();
    app.add_option("--key-modes", command.key_modes, "prefix, segment, sentence")
        ->delimiter(',')
        ->capture_default_str();
    return;
  }
  if (name == "babi") {
    app.add_option("--babi", preset.babi, "folder of bAbI's qaN_*.txt")->required();
    app.add_option("--tasks", preset.babi_tasks, "qa1 to qa20")->delimiter(',')->capture_default_str();
    app.add_option("--seeds", preset.axes.seeds, "questions of each task")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    return;
  }
  add_forms_option(app, preset);
  if (name == "needles") {
    app.add_option("--needles", preset.needles, "JSON lines with needle, prefix, prefix_answer, question, answer")
        ->required();
    return;
  }
  if (name == "facts") {
    app.add_option("--facts", preset.facts, "facts of CounterFact or zsRE, a JSON list")->required();
    app.add_option("--count", preset.fact_count, "facts in a trial")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--seeds", preset.axes.seeds, "trials, with other facts")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    return;
  }
  add_axes_options(app, command);
  if (name == "passkey") {
    app.add_option("--digits", preset.kinds, "needles: numbers of digits, uuid, san_francisco")
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--wording", preset.wording, "of the needle: essay, or literature with its own haystack")
        ->check(CLI::IsMember({"essay", "literature"}))
        ->capture_default_str();
  }
  if (name == "uuid_chain") app.add_option("--hops", preset.hops, "links of the chain")->capture_default_str();
  if (name == "multi" || name == "words" || name == "uuid") add_key_options(app, preset);
}

void add_eval_run_options(CLI::App& app, EvalCommand& command) {
  app.add_option("file,--file", command.run_file, "run file in YAML")->required();
  add_shared_options(app, command);
}

void add_eval_files_options(CLI::App& app, EvalFilesCommand& command) {
  const std::string action = app.get_name();
  app.add_option("path", command.path,
                 action == "validate" ? "run file in YAML, or folder of results.jsonl"
                 : action == "import" ? "data file"
                                      : "folder of results.jsonl")
      ->required();
  if (action == "reconstruct") {
    app.add_option("--row", command.row, "number of the row, from 1")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--haystack", command.haystack, "where the haystack lies now, if not where the row says");
    app.add_option("--out", command.out, "folder for the documents and context.txt (default: standard output)");
  }
  if (action == "import" || action == "export") {
    app.add_option("--out", command.out, "folder to write")->required();
    const std::vector<std::string> formats =
        action == "import" ? std::vector<std::string>{"ruler", "infinitebench", "longbench"}
                           : std::vector<std::string>{"csv", "ruler", "infinitebench", "longbench", "niah1"};
    app.add_option("--format", command.format, "of the other harness")->required()->check(CLI::IsMember(formats));
  }
}

}  // namespace larimar::launch

#include <map>

#include "launch/options.h"

namespace larimar::launch {
namespace {

void add_injection_options(CLI::App& app, train::InjectionOptions& options) {
  auto* codes = app.add_option(
      "--codes-of", options.codes,
      "larimar-compact folder: a language model learns to read its codes, in place of a new larimar-compact");
  app.add_option("--language-model", options.language, "its folder: a Llama with marks of a chat; default SmolLM2-135M")
      ->needs(codes);
  app.add_option("--reading-steps", options.reading_steps,
                 "updates of the injection before the language model takes part")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--language-tokens", options.language_tokens,
                 "padded tokens of a batch that go through the language model")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  app.add_option("--questions", options.questions,
                 "JSON lines with text, question and answer (tools/make_questions.py), to answer out of codes as well")
      ->needs(codes);
  app.add_option("--questions-share", options.questions_share,
                 "of the batches that answer in place of repeating a text")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--injection-width", options.sizes.width, "width of the injection")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--injection-layers", options.sizes.layers, "layers of the injection")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rank", options.sizes.rank, "of the language model's adapters")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

}  // namespace

void add_train_options(CLI::App& app, TrainCommand& command) {
  train::TrainOptions& options = command.options;
  static const std::map<std::string, train::Precision> kPrecisions{{"float32", train::Precision::kFloat32},
                                                                   {"bfloat16", train::Precision::kBFloat16}};
  app.add_option("--data", options.data, "folder of *.txt or *.txt.zst to learn from")->required();
  app.add_option("--valid", options.valid, "the same, never learnt from")->required();
  app.add_option("--tokenizer", options.tokenizer, "tokenizer.json; with --codes-of that of the folder");
  app.add_option("--out", options.out, "working folder; a run that is there goes on. The model appears in OUT/model")
      ->required();
  app.add_option("--steps", options.steps, "updates in all")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--warmup", options.warmup, "updates of rising learning rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate, "highest learning rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--batch-tokens", options.batch_tokens, "padded tokens of a batch")
      ->check(CLI::Range(64, 1 << 24))
      ->capture_default_str();
  app.add_option("--micro-batches", options.micro_batches,
                 "parts of a batch, shared out among the ranks; losses depend on it and not on the ranks")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  app.add_option("--candidates", options.candidates, "pieces in the softmax early on; 0: all from the start")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--candidates-until", options.candidates_until, "share of the steps with --candidates")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--valid-every", options.valid_every, "updates between validations")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--checkpoint-every", options.checkpoint_every, "seconds between checkpoints")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of weights, order and corruption")->capture_default_str();
  app.add_option(
         "--device", options.device,
         "cpu, cuda (ranks of a host take turns on its devices), cuda:N, or auto (cuda, or the CPU unless every rank "
         "has a device)")
      ->capture_default_str();
  static const std::map<std::string, bool> kSums{{"auto", true}, {"tree", false}};
  app.add_option(
         "--gradients", options.sum_on_devices,
         "how ranks add them up: auto (by NCCL where every rank has a GPU of its own, else tree), or tree (over MPI, "
         "in an order that the number of ranks does not change)")
      ->transform(CLI::CheckedTransformer(kSums))
      ->default_str("auto");
  app.add_option("--precision", options.precision, "of matrix products: float32 or bfloat16")
      ->transform(CLI::CheckedTransformer(kPrecisions))
      ->default_str("float32");
  app.add_option("--average-decay", options.average_decay, "of the average of the weights that becomes the model")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  add_injection_options(app, options.injection);
  app.add_option("--width", options.sizes.width, "width d of the networks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--heads", options.sizes.heads, "attention heads; divides the width")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--encoder-layers", options.sizes.encoder_layers, "layers")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--decoder-layers", options.sizes.decoder_layers, "layers")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--latents", options.sizes.latents, "latents m of a code")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--latent-size", options.sizes.latent_size, "floats c of a latent; a code has m c")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_threads_option(app, command.setup.threads);
  app.add_option("--patience", command.setup.patience, "seconds of silence of a rank after which the job ends")
      ->capture_default_str();
}

}  // namespace larimar::launch

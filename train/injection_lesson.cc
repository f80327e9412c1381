#include <torch/torch.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/compact_weights.h"
#include "common/model/injection.h"
#include "common/model/torch_bridge.h"
#include "common/text/tokenizer.h"
#include "train/adapted_network.h"
#include "train/answer_loss.h"
#include "train/lesson.h"
#include "train/questions.h"
#include "train/said_rows.h"
#include "train/schedule.h"

namespace larimar::train {
namespace {

using torch::Tensor;
constexpr std::int64_t kIgnored = -100;        // as target: no loss there
constexpr double kWeightOfPieces = 0.5;        // of the injection's own loss beside the language model's
constexpr std::size_t kMostNotes = 4;          // codes in the prompt of a question
constexpr std::size_t kTokensOfNote = 32;      // of a batch's language_tokens: what a note takes of them,
constexpr std::size_t kTokensOfQuestion = 40;  // and the rest of a prompt
constexpr std::size_t kSegmentsToJudge = 512;  // a language model takes long over them

/// What is learnt.
struct Learnt : torch::nn::Module {
  Learnt(const model::InjectionConfig& sizes, std::shared_ptr<AdaptedNetwork> network)
      : injection(register_module("injection", model::Injection(sizes))),
        language(register_module("language", std::move(network))) {}
  model::Injection injection;
  std::shared_ptr<AdaptedNetwork> language;
};

torch::TensorOptions language_options(const TrainOptions& options, const torch::Device& device) {
  return torch::TensorOptions().device(device).dtype(options.precision == Precision::kBFloat16 ? torch::kBFloat16
                                                                                               : torch::kFloat32);
}

Tensor mean_loss(const Tensor& scores, const Tensor& targets) {
  return torch::nn::functional::cross_entropy(scores.to(torch::kFloat32).flatten(0, -2), targets.flatten(),
                                              torch::nn::functional::CrossEntropyFuncOptions().ignore_index(kIgnored));
}

class InjectionLesson final : public Lesson {
 public:
  InjectionLesson(const TrainOptions& options, const torch::Device& device)
      : options_(options),
        device_(device),
        codes_(model::load_network(options.injection.codes, options.sizes)),
        pieces_(text::load_tokenizer(options.tokenizer)),
        words_(text::load_tokenizer(options.injection.language)) {
    codes_->to(device);
    auto language = std::make_shared<AdaptedNetwork>(options.injection.language, options.injection.sizes.rank,
                                                     language_options(options, device));
    options_.injection.sizes.hidden = static_cast<std::int64_t>(language->config().hidden);
    begin_ = words_->id_of(model::kInjectionBegin);
    end_ = words_->id_of(model::kInjectionEnd);
    learnt_.emplace(options_.injection.sizes, std::move(language));
    learnt_->to(device);
    start_embedding();
    if (!options.injection.questions.empty())
      questions_.emplace(options.injection.questions, *pieces_, *words_,
                         static_cast<std::size_t>(options.sizes.positions - 1));
  }

  torch::nn::Module& module() override { return *learnt_; }
  std::size_t segments_to_judge() const override { return kSegmentsToJudge; }

  Disturbance disturbance_at(std::int64_t step, base::Random& random) const override {
    Disturbance disturbance = train::disturbance_at(step, options_, random);
    disturbance.empty = false;  // without a code there are no positions
    return disturbance;
  }
  Outcome learn(const Tensor& tokens, const Disturbance& disturbance, std::int64_t step,
                base::Random& random) override {
    const bool asks = questions_ && random.uniform() < options_.injection.questions_share;
    const Pieces made = read(tokens, disturb(encode(tokens), disturbance, random));
    if (step < options_.injection.reading_steps) return made.outcome;
    if (!asks) return repeat(made, tokens, options_.injection.language_tokens);
    return {.loss =
                kWeightOfPieces * made.outcome.loss + answer(disturbance, random)};  // counts would be of other things
  }
  Outcome judge(const Tensor& tokens, std::int64_t step) override {
    const Pieces made = read(tokens, encode(tokens));
    return step < options_.injection.reading_steps ? made.outcome
                                                   : repeat(made, tokens, static_cast<std::size_t>(tokens.numel()));
  }

  void write_model(const std::filesystem::path& folder, const nlohmann::json& training) override;

 private:
  Tensor encode(const Tensor& tokens) {
    torch::NoGradGuard guard;
    return codes_->encoder->forward(tokens);
  }

  /// Each piece begins as the mean of the language model's tokens of its text; special ones as its end.
  void start_embedding() {
    torch::NoGradGuard guard;
    Tensor table = learnt_->injection->embedding->weight;
    for (std::int64_t piece = 0; piece < table.size(0); ++piece) {
      const auto id = static_cast<text::TokenId>(piece);
      words_of_piece_.push_back(words_->encode(pieces_->decode({&id, 1})));
      std::vector<std::int64_t> wide(words_of_piece_.back().begin(), words_of_piece_.back().end());
      if (wide.empty()) wide = {end_};
      table[piece].copy_(learnt_->language->embed(torch::tensor(wide).to(device_)).to(torch::kFloat32).mean(0));
    }
  }

  /// What the injection says alone.
  struct Pieces {
    Tensor scores;  // [rows, L, pieces]
    Outcome outcome;
  };
  Pieces read(const Tensor& tokens, const Tensor& codes) {
    const auto& sizes = options_.injection.sizes;
    const Tensor scores = learnt_->injection->scores(codes, tokens.size(1) / sizes.group());
    const Tensor padding = tokens.eq(options_.sizes.pad_id);
    const Tensor right = scores.argmax(-1).eq(tokens).logical_or(padding), real = padding.logical_not();
    return {scores,
            {.loss = mean_loss(scores, tokens.masked_fill(padding, sizes.end_id)),
             .tokens = real.sum().item<std::int64_t>(),
             .right_tokens = right.logical_and(real).sum().item<std::int64_t>(),
             .segments = right.size(0),
             .exact_segments = right.all(1).sum().item<std::int64_t>()}};
  }

  /// The first rows go through the language model as well, as many as hold `language_tokens`.
  Outcome repeat(const Pieces& made, const Tensor& tokens, std::size_t language_tokens) {
    const auto rows =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(language_tokens) / tokens.size(1), 1, tokens.size(0));
    const Tensor positions = learnt_->injection->positions_of(made.scores.narrow(0, 0, rows));
    const std::vector<Saying> sayings = texts_of(tokens.narrow(0, 0, rows));
    const Tensor begin = learnt_->language->embed(torch::tensor({std::int64_t{begin_}}).to(device_));
    std::vector<SaidRow> said;
    for (std::int64_t row = 0; row < rows; ++row)
      said.push_back({{begin, positions[row]}, &sayings[static_cast<std::size_t>(row)]});
    const SaidBatch batch = lay_out(*learnt_->language, said);
    const Tensor scores = scores_of(*learnt_->language, batch);
    Outcome outcome = counted(mean_loss(scores, batch.targets), scores.argmax(-1).eq(batch.targets), batch.row_ends);
    outcome.loss = outcome.loss + kWeightOfPieces * made.outcome.loss;
    return outcome;
  }

  /// What the language model says of tokens [rows, L]. Text is cut where the codes' pieces end, so that nearly every token to be said
  /// stands for one position; its own tokenizer would cut it elsewhere, and to spell pieces anew is much harder to learn than to
  /// repeat them. The text is the same.
  std::vector<Saying> texts_of(const Tensor& tokens) const {
    const Tensor here = tokens.to(torch::kCPU);
    const auto ids = here.accessor<std::int64_t, 2>();
    std::vector<Saying> sayings;
    for (std::int64_t row = 0; row < ids.size(0); ++row) {
      Saying& saying = sayings.emplace_back(Saying{{end_}, 1});
      for (std::int64_t at = 0; at < ids.size(1) && ids[row][at] != options_.sizes.eos_id; ++at)
        std::ranges::copy(words_of_piece_[static_cast<std::size_t>(ids[row][at])], std::back_inserter(saying.tokens));
      saying.tokens.push_back(end_);
    }
    return sayings;
  }

  /// The loss of answers to questions about notes that stand in a prompt as codes.
  Tensor answer(const Disturbance& disturbance, base::Random& random) {
    const std::size_t notes = 1 + random.below(kMostNotes);
    std::vector<Prompt> prompts(
        std::max<std::size_t>(1, options_.injection.language_tokens / (kTokensOfQuestion + notes * kTokensOfNote)));
    for (Prompt& prompt : prompts) prompt = questions_->draw(notes, random);
    const ReadingNetworks networks{codes_, learnt_->injection, learnt_->language};
    return answer_loss(networks, *questions_, prompts, options_.sizes, disturbance, random);
  }

  /// right [n]: whether a token is; rows end where `row_ends` says.
  static Outcome counted(const Tensor& loss, const Tensor& right, std::span<const std::int64_t> row_ends) {
    const Tensor here = right.to(torch::kCPU);
    Outcome outcome{.loss = loss,
                    .tokens = here.size(0),
                    .right_tokens = here.sum().item<std::int64_t>(),
                    .segments = static_cast<std::int64_t>(row_ends.size())};
    std::int64_t begin = 0;
    for (const std::int64_t end : row_ends) {
      outcome.exact_segments += here.slice(0, begin, end).all().item<bool>() ? 1 : 0;
      begin = end;
    }
    return outcome;
  }

  TrainOptions options_;
  torch::Device device_;
  model::CompactNetwork codes_;                             // not learnt
  std::unique_ptr<const text::Tokenizer> pieces_, words_;   // of the codes' text, of the language model's
  std::vector<std::vector<text::TokenId>> words_of_piece_;  // the language model's tokens of each piece's text
  text::TokenId begin_ = 0, end_ = 0;
  std::optional<QuestionFile> questions_;
  std::optional<Learnt> learnt_;
};

void InjectionLesson::write_model(const std::filesystem::path& folder, const nlohmann::json& training) {
  torch::NoGradGuard guard;
  std::map<std::string, Tensor> tensors;
  const auto half = [](const Tensor& tensor) { return tensor.detach().to(torch::kCPU, torch::kFloat16).contiguous(); };
  for (const auto& item : learnt_->injection->named_parameters())
    tensors["injection." + item.key()] = half(item.value());
  for (const auto& [name, change] : learnt_->language->adapters()) {
    tensors["adapters." + name + ".down"] = half(change.down);
    tensors["adapters." + name + ".up"] = half(change.up);
  }
  std::map<std::string, model::TensorView> views;
  for (const auto& [name, tensor] : tensors) views[name] = model::to_view(tensor);
  nlohmann::json config = model::to_json(options_.injection.sizes);
  config["training"] = training;
  config["training"]["reading_steps"] = options_.injection.reading_steps;
  config["training"]["language_tokens"] = options_.injection.language_tokens;
  config["training"]["questions"] = questions_ ? questions_->size() : 0;
  model::write_safetensors(folder / "model.safetensors", views,
                           {{"step", std::to_string(training.at("step").get<std::int64_t>())}});
  base::write_file(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace

std::unique_ptr<Lesson> make_injection_lesson(const TrainOptions& options, const torch::Device& device) {
  return std::make_unique<InjectionLesson>(options, device);
}

}  // namespace larimar::train

// A language model learns to read codes; what was learnt decodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/model/causal_network.h"
#include "common/model/injection_files.h"
#include "common/model/safetensors.h"
#include "decoder/injected_decoder.h"
#include "tests/support/in_process.h"
#include "tests/unit/train/small_language.h"
#include "train/adapted_network.h"
#include "train/trainer.h"

namespace larimar::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Tokens = std::vector<text::TokenId>;

class InjectionRun : public ::testing::Test {
 protected:
  InjectionRun() { test::write_texts(folder_); }

  TrainOptions run(std::int64_t steps) { return test::small_injection_run(folder_.path(), steps); }

  /// The folder of a short run.
  fs::path trained(std::int64_t steps = 6) {
    const TrainOptions options = run(steps);
    train_model(options, [](const std::string&) {});
    return options.out / "model";
  }
  std::unique_ptr<model::CodeReader> decoder(const fs::path& model) {
    return decoder::load_injected_decoder(model, folder_.path() / "language", {});
  }
  /// The trained language model with adapters beside its weights.
  AdaptedNetwork language(const fs::path& model) const {
    AdaptedNetwork network(folder_.path() / "language", 3, torch::TensorOptions());
    const torch::NoGradGuard guard;
    const model::SafetensorsFile file(model / "model.safetensors");
    for (auto& [name, change] : network.adapters()) {
      torch::Tensor(change.down).copy_(model::to_tensor(file.at("adapters." + name + ".down")));
      torch::Tensor(change.up).copy_(model::to_tensor(file.at("adapters." + name + ".up")));
    }
    return network;
  }
  /// Codes of 1 to 4 groups in use, as an encoder makes them.
  static linalg::Matrix codes() {
    linalg::Matrix matrix = linalg::Matrix::Random(6, 32);
    for (linalg::Index i = 0; i < matrix.rows(); ++i) {
      const linalg::Index groups = 1 + i % 4;
      for (linalg::Index g = 0; g < 4; ++g) {
        auto latent = matrix.row(i).segment(8 * g, 8);
        latent *= g < groups ? 1.0F / std::sqrt(latent.squaredNorm() / 8) : 0.0F;
      }
    }
    return matrix;
  }

  test::TemporaryFolder folder_;
};

TEST_F(InjectionRun, BothPartsLearnAndTheFolderIsWhole) {
  TrainOptions options = run(200);
  options.injection.reading_steps = 79;
  options.learning_rate = 0.02;
  options.valid_every = 80;
  train_model(options, [](const std::string&) {});
  std::vector<double> losses, accuracies;
  for (const auto& line : test::metrics_of(options.out)) {
    if (line["kind"] == "train") losses.push_back(line["loss"]);
    if (line["kind"] == "valid") accuracies.push_back(line["token_accuracy"]);
  }
  ASSERT_EQ(accuracies.size(), 3U);  // steps 80, 160, 200
  EXPECT_LT(losses.front(), 0.7 * std::log(8192.0)) << "the injection alone";
  EXPECT_LT(accuracies.front(), 0.1) << "a language model of random weights says something";
  EXPECT_GT(accuracies.back(), 0.2) << "the language model";
  const auto config = nlohmann::json::parse(base::read_file(options.out / "model/config.json"));
  EXPECT_EQ(config["architecture"], "larimar-injected");
  EXPECT_EQ(config["codes_of"], "larimar-compact 12");
  EXPECT_EQ(config["training"]["reading_steps"], 79);
  EXPECT_EQ(decoder(options.out / "model")->code_size(), 32);
}

TEST_F(InjectionRun, LearntAdaptersInTheWeightsComputeWhatWasTrained) {
  const TrainOptions options = run(1);
  torch::manual_seed(3);
  AdaptedNetwork trained(options.injection.language, 3, torch::TensorOptions());
  const torch::NoGradGuard guard;
  for (auto& parameter : trained.parameters()) parameter.copy_(0.2 * torch::randn_like(parameter));
  const model::Adapters adapters = trained.adapters();
  EXPECT_EQ(adapters.size(), 14U);  // seven products of two layers
  const auto checkpoint = std::make_shared<const model::Checkpoint>(options.injection.language);
  const auto config = model::read_causal_config(options.injection.language);
  model::CausalNetwork network(checkpoint, config, "", torch::TensorOptions(), {}, &adapters);
  model::CausalNetwork plain(checkpoint, config, "", torch::TensorOptions());
  const torch::Tensor x = torch::randn({3, 7, 24});
  const torch::Tensor before = x.clone();
  const auto hidden = [&](model::CausalNetwork& of) {
    model::KvCache cache = of.make_cache();
    cache.reset({0, 0, 0}, 7);
    return of.hidden({.tokens = {}, .embeddings = x}, cache);
  };
  const torch::Tensor wanted = trained.hidden(x), found = hidden(network);
  EXPECT_LT((wanted - found).abs().max().item<float>(), 1e-4F);
  EXPECT_GT((wanted - hidden(plain)).abs().max().item<float>(), 0.1F) << "adapters change nothing";
  EXPECT_TRUE(torch::equal(x, before)) << "embeddings of the caller were written to";
  EXPECT_LT((trained.hidden(x, false) - hidden(plain)).abs().max().item<float>(), 1e-4F) << "without adapters";
  const torch::Tensor tokens = torch::randint(0, 8192, {2, 5});
  EXPECT_LT(
      (trained.logits(trained.embed(tokens)) - network.logits(trained.embed(tokens).flatten(0, 1)).view({2, 5, 8192}))
          .abs()
          .max()
          .item<float>(),
      1e-4F);
}

TEST_F(InjectionRun, ACompletionIsWhatTheTrainedNetworkSaysGreedily) {
  const fs::path model = trained();
  const auto parts = model::load_injection(model, folder_.path() / "language", torch::TensorOptions());
  const auto reader = decoder(model);
  // The definition: everything anew for each token, with the adapters beside the weights.
  AdaptedNetwork network = language(model);
  const torch::NoGradGuard guard;
  const linalg::Matrix all = codes();
  for (linalg::Index i = 0; i < all.rows(); ++i) {
    const torch::Tensor code = model::to_tensor(all.middleRows(i, 1));
    const std::int64_t groups = 1 + i % 4;
    EXPECT_EQ(model::used_groups(code, parts.config).item<std::int64_t>(), groups);
    auto injection = parts.injection;
    const torch::Tensor positions = injection->positions_of(injection->scores(code, groups));
    torch::Tensor x =
        torch::cat({network.embed(torch::tensor({{1}})), positions, network.embed(torch::tensor({{2}}))}, 1);
    Tokens said;
    while (said.size() < 32) {
      const auto next = network.logits(network.hidden(x).select(1, x.size(1) - 1)).argmax(-1).item<std::int64_t>();
      if (next == 2) break;
      said.push_back(static_cast<text::TokenId>(next));
      x = torch::cat({x, network.embed(torch::tensor({{next}}))}, 1);
    }
    const std::vector<model::PromptPart> prompt{
        {.tokens = {1}}, {.tokens = {}, .code = {all.row(i).data(), 32}}, {.tokens = {2}}};
    EXPECT_EQ(reader->complete(prompt, 32), said) << i;
  }
}

TEST_F(InjectionRun, ATextIsWhatTheInjectionFindsUpToItsEnd) {
  const fs::path model = trained(40);
  const auto parts = model::load_injection(model, folder_.path() / "language", torch::TensorOptions());
  const torch::NoGradGuard guard;
  const linalg::Matrix all = codes();
  const auto texts = decoder(model)->decode(all);
  ASSERT_EQ(texts.size(), 6U);
  std::size_t ended = 0, said = 0;
  for (linalg::Index row = 0; row < all.rows(); ++row) {
    auto injection = parts.injection;
    const torch::Tensor found = injection->scores(model::to_tensor(all.middleRows(row, 1)), 1 + row % 4)[0].argmax(-1);
    Tokens pieces;
    for (std::int64_t at = 0; at < found.size(0) && found[at].item<std::int64_t>() != 2; ++at)
      pieces.push_back(found[at].item<std::int32_t>());
    ended += pieces.size() < static_cast<std::size_t>(found.size(0)) ? 1U : 0U;
    said += pieces.size();
    EXPECT_EQ(texts[static_cast<std::size_t>(row)], pieces) << row;
  }
  EXPECT_GE(ended, 1U) << "none has an end";
  EXPECT_GE(said, 4U) << "nothing to compare";
}

TEST_F(InjectionRun, ARunThatGoesOnHasTheBitsOfOneThatWasNotInterrupted) {
  const auto weights = [](const fs::path& model) { return base::read_file(model / "model.safetensors"); };
  const std::string whole = weights(trained(8));
  fs::remove_all(folder_.path() / "out");
  TrainOptions options = run(8);
  options.checkpoint_every = 0;
  const auto stop = [](const std::string& line) {
    if (line.find("\"step\":6") != std::string::npos) throw base::IoError("stopped");
  };
  options.valid_every = 6;
  EXPECT_THROW(train_model(options, stop), base::IoError);
  options.valid_every = 1000;
  train_model(options, [](const std::string&) {});
  EXPECT_EQ(weights(options.out / "model"), whole);
}

TEST_F(InjectionRun, TwoRanksLearnWhatOneLearns) {
  std::vector<std::string> models;
  for (const int ranks : {1, 2}) {
    fs::remove_all(folder_.path() / "out");
    TrainOptions options = run(6);
    options.micro_batches = 2;
    support::run_in_process(
        ranks, [&](comm::Transport& transport) { train_model(options, transport, [](const std::string&) {}); });
    models.push_back(base::read_file(options.out / "model/model.safetensors"));
  }
  EXPECT_EQ(models[0], models[1]);
}

TEST_F(InjectionRun, QuestionsAreLearntBesideRepeating) {
  folder_.write("questions.jsonl",
                "{\"text\": \"The river ended.\", \"question\": \"What ended?\", \"answer\": \"The river.\"}\n"
                "{\"text\": \"The old stone market ended.\", \"question\": \"Which?\", \"answer\": \"The stone.\"}\n");
  TrainOptions options = run(6);
  options.injection.questions = folder_.path() / "questions.jsonl";
  options.injection.questions_share = 0.5;
  train_model(options, [](const std::string&) {});
  const auto config = nlohmann::json::parse(base::read_file(options.out / "model/config.json"));
  EXPECT_EQ(config["training"]["questions"], 2);
  const std::string with = base::read_file(options.out / "model/model.safetensors");
  fs::remove_all(options.out);
  EXPECT_NE(base::read_file(trained(6) / "model.safetensors"), with) << "the file changes nothing";
}

TEST_F(InjectionRun, NoiseInUnusedGroupsCountsForNothing) {
  model::InjectionConfig config;
  config.positions = 16;
  config.latents = 4;
  config.latent_size = 8;
  torch::manual_seed(1);
  const torch::Tensor used = torch::ones({1, 8}), noise = 0.3 * torch::randn({1, 8}).clamp(-1.5, 1.5);
  const auto groups = [&](const std::vector<torch::Tensor>& latents) {
    return model::used_groups(torch::cat(latents, 1), config).item<std::int64_t>();
  };
  EXPECT_EQ(groups({used, noise, noise, noise}), 1);
  EXPECT_EQ(groups({used, used, used, noise}), 3);
  EXPECT_EQ(groups({used, noise, used, noise}), 3) << "a hole is read as text";
  EXPECT_EQ(groups({noise, noise, noise, noise}), 1) << "at least one";
}

TEST_F(InjectionRun, CodesAndPromptsThatDoNotFitAreRefused) {
  const auto reader = decoder(trained());
  EXPECT_THROW(static_cast<void>(reader->decode(linalg::Matrix::Zero(1, 31))), base::ShapeError);
  const std::vector<float> code(31, 1.0F);
  const std::vector<model::PromptPart> wrong{{.tokens = {}, .code = code}, {.tokens = {1}}};
  EXPECT_THROW(static_cast<void>(reader->complete(wrong, 4)), base::ShapeError);
  EXPECT_THROW(static_cast<void>(reader->complete({}, 4)), base::ShapeError);
  const std::vector<model::PromptPart> endless{{.tokens = Tokens(60, 5)}, {.tokens = {1}}};
  EXPECT_THROW(static_cast<void>(reader->complete(endless, 36)), base::ShapeError);
  EXPECT_NO_THROW(static_cast<void>(reader->complete(endless, 35)));
  EXPECT_TRUE(reader->decode(linalg::Matrix(0, 32)).empty());
}

TEST_F(InjectionRun, FoldersThatDoNotFitAreRefusedByName) {
  const fs::path model = trained();
  const auto error_of = [&] {
    try {
      static_cast<void>(decoder(model));
    } catch (const base::FormatError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const std::string config = base::read_file(model / "config.json");
  const auto with = [&](const char* field, const nlohmann::json& value) {
    auto fields = nlohmann::json::parse(config);
    fields[field] = value;
    base::write_file(model / "config.json", fields.dump());
    return error_of();
  };
  EXPECT_THAT(with("hidden", 25), HasSubstr("embeddings of 24"));
  EXPECT_THAT(with("rank", 4), HasSubstr("self_attn.q_proj.weight.down"));
  EXPECT_THAT(with("heads", 3), HasSubstr("\"heads\""));
  EXPECT_THAT(with("latents", 5), HasSubstr("\"latents\""));
  EXPECT_THAT(with("end_id", 8192), HasSubstr("\"end_id\""));
  EXPECT_THAT(with("layers", 0), HasSubstr("\"layers\""));
  EXPECT_THAT(with("codes_of", 3), HasSubstr("codes_of"));
  EXPECT_THAT(with("architecture", "larimar"), HasSubstr("architecture"));
  base::write_file(model / "config.json", config);
  EXPECT_EQ(error_of(), "accepted");
  const std::string weights = base::read_file(model / "model.safetensors");
  base::write_file(model / "model.safetensors", weights.substr(0, weights.size() - 1));
  EXPECT_THAT(error_of(), HasSubstr("model.safetensors"));
  base::write_file(model / "model.safetensors", weights);
  const fs::path language = folder_.path() / "language";
  base::write_file(language / "tokenizer.json", base::read_file(test::tokenizer_file()));
  EXPECT_THAT(error_of(), HasSubstr("<|im_start|>"));
  EXPECT_THROW(train_model(
                   [&] {
                     TrainOptions options = run(1);
                     base::write_file(language / "tokenizer.json", base::read_file(test::tokenizer_file()));
                     return options;
                   }(),
                   [](const std::string&) {}),
               base::FormatError);
}

}  // namespace
}  // namespace larimar::train

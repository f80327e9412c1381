#include <nlohmann/json.hpp>
#include <string>

#include "common/base/file.h"
#include "common/model/compact_weights.h"
#include "train/lesson.h"
#include "train/schedule.h"

namespace larimar::train {
namespace {

class CompactLesson final : public Lesson {
 public:
  CompactLesson(const TrainOptions& options, const torch::Device& device) : options_(options), network_(options.sizes) {
    network_->to(device);
  }

  torch::nn::Module& module() override { return *network_; }
  Disturbance disturbance_at(std::int64_t step, base::Random& random) const override {
    return train::disturbance_at(step, options_, random);
  }
  Outcome learn(const torch::Tensor& tokens, const Disturbance& disturbance, std::int64_t step,
                base::Random& random) override {
    return reconstruct(*network_, tokens, disturbance, candidates_at(step, options_), random);
  }
  Outcome judge(const torch::Tensor& tokens, std::int64_t) override {
    base::Random random(0);  // nothing is drawn
    return reconstruct(*network_, tokens, {.noise = 0.0}, 0, random);
  }

  void write_model(const std::filesystem::path& folder, const nlohmann::json& training) override {
    nlohmann::json config = model::to_json(options_.sizes);
    config["training"] = training;
    base::write_file(folder / "tokenizer.json", base::read_file(options_.tokenizer));
    model::save_weights(*network_, folder / "model.safetensors", model::StoredPrecision::kFloat16,
                        {{"step", std::to_string(training.at("step").get<std::int64_t>())}});
    base::write_file(folder / "config.json", config.dump(2) + "\n");
  }

 private:
  TrainOptions options_;
  model::CompactNetwork network_;
};

}  // namespace

std::unique_ptr<Lesson> make_compact_lesson(const TrainOptions& options, const torch::Device& device) {
  return std::make_unique<CompactLesson>(options, device);
}

}  // namespace larimar::train

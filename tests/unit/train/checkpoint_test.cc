#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <string>

#include "common/model/safetensors.h"
#include "tests/unit/train/support.h"

namespace larimar::train {
namespace {

using ::testing::HasSubstr;

/// A small module with its optimiser, some steps under way.
struct TrainingRun {
  explicit TrainingRun(std::int64_t width = 5) : module(width, 3), parameters(*module) {
    optimiser.start(parameters.values());
  }
  void train(int steps) {
    for (int i = 0; i < steps; ++i) {
      module->forward(torch::ones({2, module->options.in_features()})).pow(2).sum().backward();
      (void)optimiser.step(parameters, 0.1);
    }
  }
  torch::nn::Linear module;
  FlatParameters parameters;
  AdamW optimiser;
};

class Checkpoint : public ::testing::Test {
 protected:
  std::string fault(const std::string& bytes) {
    TrainingRun run;
    try {
      (void)load_checkpoint(folder_.write("damaged", bytes), run.parameters, run.optimiser);
    } catch (const base::FormatError& error) {
      return error.what();
    }
    return "no FormatError";
  }
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "checkpoint.safetensors";
};

TEST_F(Checkpoint, EverythingComesBack) {
  TrainingRun run;
  run.train(4);
  save_checkpoint(path_, run.parameters, run.optimiser, {17, {2, 3, 5}, 12.9});
  TrainingRun other;
  const Progress progress = load_checkpoint(path_, other.parameters, other.optimiser);
  EXPECT_EQ(progress.step, 17);
  EXPECT_EQ(progress.stream.epoch, 2U);
  EXPECT_EQ(progress.stream.pool, 3U);
  EXPECT_EQ(progress.stream.batch, 5U);
  EXPECT_EQ(progress.seconds, 12.0);
  EXPECT_EQ(other.optimiser.steps, 4);
  EXPECT_TRUE(torch::equal(other.parameters.values(), run.parameters.values()));
  EXPECT_TRUE(torch::equal(other.optimiser.first, run.optimiser.first));
  EXPECT_TRUE(torch::equal(other.optimiser.second, run.optimiser.second));
  EXPECT_TRUE(torch::equal(other.optimiser.average, run.optimiser.average));
  EXPECT_TRUE(torch::equal(other.module->weight, run.module->weight)) << "the module does not see the loaded values";
  run.train(3);
  other.train(3);
  EXPECT_TRUE(torch::equal(other.parameters.values(), run.parameters.values())) << "the runs drift apart";
}

TEST_F(Checkpoint, OtherSizesAreRefused) {
  TrainingRun run, wider(6);
  save_checkpoint(path_, run.parameters, run.optimiser, {});
  try {
    (void)load_checkpoint(path_, wider.parameters, wider.optimiser);
    FAIL() << "no FormatError";
  } catch (const base::FormatError& error) {
    EXPECT_THAT(error.what(), HasSubstr("values is of another model"));
  }
}

TEST_F(Checkpoint, DamagedFilesAreRefused) {
  TrainingRun run;
  save_checkpoint(path_, run.parameters, run.optimiser, {});
  const std::string bytes = base::read_file(path_);
  for (std::size_t size = 0; size < bytes.size(); size += 13)
    EXPECT_THAT(fault(bytes.substr(0, size)), HasSubstr("damaged")) << size;
  std::string renamed = bytes;
  renamed.replace(renamed.find("\"updates\""), 9, "\"updatez\"");
  EXPECT_THAT(fault(renamed), HasSubstr("metadata \"updates\" is missing or no number"));
  TrainingRun same;
  EXPECT_THROW((void)load_checkpoint(folder_.path() / "absent", same.parameters, same.optimiser),
               base::MissingInputError);
}

}  // namespace
}  // namespace larimar::train

#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/model/compact.h"
#include "common/model/safetensors.h"
#include "tests/unit/train/small_run.h"

namespace larimar::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kChildFolder = "LARIMAR_TRAINER_TEST_CHILD";

using test::metrics_of;
using test::write_texts;

TrainOptions options_in(const fs::path& folder, std::int64_t steps) { return test::small_run(folder, steps); }

TEST(Trainer, TheLossFallsAndTheModelFolderIsWhole) {
  const test::TemporaryFolder folder;
  write_texts(folder);
  TrainOptions options = options_in(folder.path(), 30);
  options.candidates = 0;  // the whole vocabulary: a network that knows nothing has a loss of log(8192)
  std::vector<std::string> reports;
  train_model(options, [&](const std::string& line) { reports.push_back(line); });
  const auto metrics = metrics_of(options.out);
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[0]["kind"], "train");
  EXPECT_EQ(metrics[0]["step"], 30);
  EXPECT_LT(metrics[0]["loss"].get<double>(), 0.8 * std::log(8192.0));
  EXPECT_EQ(metrics[1]["kind"], "valid");
  EXPECT_GT(metrics[1]["segments"].get<int>(), 10);
  EXPECT_FALSE(reports.empty());
  const auto model = model::load_compact_encoder(options.out / "model");
  EXPECT_EQ(model->code_size(), 32);
  EXPECT_EQ(model->max_tokens(), 15U);
  EXPECT_EQ(base::read_file(options.out / "model/tokenizer.json"), base::read_file(options.tokenizer));
  EXPECT_THAT(base::read_file(options.out / "model/training.svg"), HasSubstr("</svg>"));
  EXPECT_EQ(nlohmann::json::parse(base::read_file(options.out / "model/config.json"))["training"]["step"], 30);
}

TEST(Trainer, ALossThatIsNotFiniteEndsTheRun) {
  const test::TemporaryFolder folder;
  write_texts(folder);
  TrainOptions options = options_in(folder.path(), 30);
  options.learning_rate = 1e30;
  try {
    train_model(options, [](const std::string&) {});
    FAIL() << "no NumericalError";
  } catch (const base::NumericalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("not finite at step"));
  }
  EXPECT_FALSE(fs::exists(options.out / "model")) << "a broken model was written";
}

TEST(Trainer, MissingTextIsNamed) {
  const test::TemporaryFolder folder;
  EXPECT_THROW(train_model(options_in(folder.path(), 3), [](const std::string&) {}), base::MissingInputError);
  write_texts(folder);
  TrainOptions options = options_in(folder.path(), 3);
  options.tokenizer = folder.path() / "absent.json";
  EXPECT_THROW(train_model(options, [](const std::string&) {}), base::MissingInputError);
}

TEST(Trainer, ACheckpointOfOtherSizesIsRefused) {
  const test::TemporaryFolder folder;
  write_texts(folder);
  TrainOptions options = options_in(folder.path(), 1);
  train_model(options, [](const std::string&) {});
  options.sizes.width = 32;
  EXPECT_THROW(train_model(options, [](const std::string&) {}), base::FormatError);
}

TrainOptions long_run(const fs::path& folder) {
  TrainOptions options = options_in(folder, 60);
  options.checkpoint_every = 0;  // after every step
  return options;
}

// Not a test of its own: the process that Trainer.AKilledRunGoesOnAsIfNothingHadHappened kills.
TEST(TrainerChild, Trains) {
  const char* folder = std::getenv(kChildFolder);
  if (folder == nullptr) GTEST_SKIP() << "run by another test";
  train_model(long_run(folder), [](const std::string&) {});
}

pid_t start_child(const fs::path& folder) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv(kChildFolder, folder.c_str(), 1);
  ::execl("/proc/self/exe", "trainer_child", "--gtest_filter=TrainerChild.Trains", "--gtest_brief=1", nullptr);
  std::_Exit(127);
}

std::int64_t checkpoint_step(const fs::path& path) {
  return fs::exists(path) ? std::stoll(model::SafetensorsFile(path).metadata().at("step")) : -1;
}

TEST(Trainer, AKilledRunGoesOnAsIfNothingHadHappened) {
  const test::TemporaryFolder broken, whole;
  write_texts(broken);
  write_texts(whole);
  const fs::path checkpoint = broken.path() / "out/checkpoint.safetensors";
  const pid_t child = start_child(broken.path());
  ASSERT_GT(child, 0);
  const base::Stopwatch watch;
  while (checkpoint_step(checkpoint) < 8 && watch.seconds() < 120)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  const std::int64_t reached = checkpoint_step(checkpoint);
  ASSERT_GE(reached, 8);
  ASSERT_LT(reached, 60);

  std::string first_report;
  const auto keep_first = [&](const std::string& line) { first_report = first_report.empty() ? line : first_report; };
  train_model(long_run(broken.path()), keep_first);
  EXPECT_EQ(first_report, "resumed at step " + std::to_string(reached));
  train_model(long_run(whole.path()), [](const std::string&) {});

  const model::SafetensorsFile resumed(checkpoint), unbroken(whole.path() / "out/checkpoint.safetensors");
  for (const char* name : {"values", "average", "first", "second"}) {
    const auto a = resumed.at(name).bytes, b = unbroken.at(name).bytes;
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size()), 0) << name;
  }
  for (const char* name : {"step", "updates", "epoch", "pool", "batch"})
    EXPECT_EQ(resumed.metadata().at(name), unbroken.metadata().at(name));
  EXPECT_EQ(base::read_file(broken.path() / "out/model/model.safetensors"),
            base::read_file(whole.path() / "out/model/model.safetensors"));
}

}  // namespace
}  // namespace larimar::train

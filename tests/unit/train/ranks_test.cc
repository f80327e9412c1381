// Training on several ranks gives the run of one: threads of this process stand for the ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/model/safetensors.h"
#include "tests/support/in_process.h"
#include "tests/unit/comm/nccl_ranks.h"
#include "tests/unit/train/small_run.h"
#include "train/device_group.h"
#include "train/trainer.h"

namespace larimar::train {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
constexpr std::int64_t kSteps = 100;  // two lines of training

TrainOptions shared_run(const fs::path& folder, std::size_t micro_batches) {
  TrainOptions options = test::small_run(folder, kSteps);
  options.micro_batches = micro_batches;
  options.valid_every = 40;
  return options;
}

std::vector<std::string> train_on(int ranks, const TrainOptions& options) {
  std::vector<std::string> reports;
  std::mutex mutex;
  support::run_in_process(ranks, [&](comm::Transport& transport) {
    train_model(options, transport, [&, rank = transport.rank()](const std::string& line) {
      EXPECT_EQ(rank, 0) << "speaks: " << line;
      const std::scoped_lock lock(mutex);
      reports.push_back(line);
    });
  });
  return reports;
}

// All metrics but the seconds; a number that differs in its last bit is printed differently.
std::vector<std::string> curve_of(const fs::path& out) {
  std::vector<std::string> lines;
  for (nlohmann::json& line : test::metrics_of(out)) {
    line.erase("seconds");
    lines.push_back(line.dump());
  }
  return lines;
}

std::string state_of(const fs::path& out) {
  const model::SafetensorsFile file(out / "checkpoint.safetensors");
  std::string bytes;
  for (const char* name : {"values", "average", "first", "second"}) {
    const auto part = file.at(name).bytes;
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  }
  for (const char* name : {"step", "updates", "epoch", "pool", "batch"}) bytes += file.metadata().at(name) + ' ';
  return bytes;
}

TEST(TrainingOnRanks, TheCurveAndTheWeightsHaveTheSameBitsOnAnyNumberOfRanks) {
  const test::TemporaryFolder alone;
  test::write_texts(alone);
  const TrainOptions options = shared_run(alone.path(), 4);
  train_on(1, options);
  const std::vector<std::string> curve = curve_of(options.out);
  EXPECT_EQ(curve.size(), 5U);  // 2 of training, validations at 40, 80 and 100
  for (const int ranks : {2, 3, 4}) {
    const test::TemporaryFolder folder;
    test::write_texts(folder);
    const TrainOptions shared = shared_run(folder.path(), 4);
    train_on(ranks, shared);
    EXPECT_EQ(curve_of(shared.out), curve) << ranks << " ranks";
    EXPECT_EQ(state_of(shared.out), state_of(options.out)) << ranks << " ranks";
    EXPECT_EQ(base::read_file(shared.out / "model/model.safetensors"),
              base::read_file(options.out / "model/model.safetensors"));
  }
}

TEST(TrainingOnRanks, MicroBatchesLearnAsWellAsOneBatch) {
  const test::TemporaryFolder folder;
  test::write_texts(folder);
  std::vector<double> losses;
  for (const std::size_t micro_batches : {std::size_t{1}, std::size_t{4}, std::size_t{64}}) {
    TrainOptions options = shared_run(folder.path(), micro_batches);
    options.out = folder.path() / std::to_string(micro_batches);
    options.candidates = 0;
    train_on(1, options);
    losses.push_back(test::metrics_of(options.out)[1]["loss"].get<double>());
  }
  // 64 is more than the segments of a batch: some micro-batches are empty.
  for (const double loss : losses) EXPECT_NEAR(loss, losses[0], 0.25 * losses[0]);
}

TEST(TrainingOnRanks, ARunGoesOnWithAnotherNumberOfRanks) {
  const test::TemporaryFolder whole, changed;
  test::write_texts(whole);
  test::write_texts(changed);
  train_on(1, shared_run(whole.path(), 4));

  TrainOptions options = shared_run(changed.path(), 4);
  options.checkpoint_every = 0;
  support::run_in_process(4, [&](comm::Transport& transport) {
    // Ends like a kill: somewhere in the middle, behind a checkpoint.
    try {
      train_model(options, transport, [](const std::string& line) {
        if (line.find("\"step\":50") != std::string::npos) throw base::IoError("ended on purpose");
      });
      ADD_FAILURE() << "rank " << transport.rank() << " went on";
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("ended on purpose"));
    }
  });
  EXPECT_EQ(model::SafetensorsFile(options.out / "checkpoint.safetensors").metadata().at("step"), "49");
  const auto reports = train_on(2, options);
  EXPECT_EQ(reports.front(), "resumed at step 49");
  EXPECT_EQ(state_of(options.out), state_of(whole.path() / "out"));
  EXPECT_EQ(base::read_file(options.out / "model/model.safetensors"),
            base::read_file(whole.path() / "out/model/model.safetensors"));
}

void expect_refused(int ranks, const std::function<void(TrainOptions&, int)>& change, base::ExitCode code,
                    const std::string& words) {
  const test::TemporaryFolder folder;
  test::write_texts(folder);
  support::run_in_process(ranks, [&](comm::Transport& transport) {
    TrainOptions options = shared_run(folder.path(), 4);
    change(options, transport.rank());
    try {
      train_model(options, transport, [](const std::string&) {});
      ADD_FAILURE() << "rank " << transport.rank() << " went on";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  });
  EXPECT_FALSE(fs::exists(folder.path() / "out/model"));
}

TEST(TrainingOnRanks, WhatCannotWorkEndsAllRanksAlike) {
  expect_refused(
      3, [](TrainOptions& options, int) { options.micro_batches = 2; }, base::ExitCode::kConfig,
      "3 ranks cannot share 2 micro-batches");
  expect_refused(
      2, [](TrainOptions& options, int rank) { options.seed = rank == 1 ? 7 : 1; }, base::ExitCode::kConfig,
      "the setting seed");
  expect_refused(
      2,
      [](TrainOptions& options, int rank) {
        if (rank == 1) options.tokenizer = "absent.json";
      },
      base::ExitCode::kNoInput, "absent.json");
  expect_refused(
      2, [](TrainOptions& options, int) { options.learning_rate = 1e30; }, base::ExitCode::kInternal, "not finite");
}

/// Ranks whose memory stands for that of GPUs, with a library that stands in for NCCL. The stream outlives the group.
JoinDevices stand_in(support::FakeStream& stream) {
  return [&stream](comm::Transport& transport, const TrainOptions&) {
    return std::make_unique<comm::NcclGroup>(transport, comm::NcclLibrary::open(LARIMAR_FAKE_NCCL_FILE),
                                             larimar::test::stream_on(stream));
  };
}

// Two ranks of two micro-batches each: the one order in which both ways add the same numbers.
TEST(TrainingOnRanks, GradientsThatNcclAddsGiveTheRunOfTheTree) {
  const test::TemporaryFolder tree, nccl;
  test::write_texts(tree);
  test::write_texts(nccl);
  const TrainOptions plain = shared_run(tree.path(), 4), summed = shared_run(nccl.path(), 4);
  train_on(2, plain);
  support::run_in_process(2, [&](comm::Transport& transport) {
    support::FakeStream stream;
    train_model(
        summed, transport, [](const std::string&) {}, stand_in(stream));
  });
  EXPECT_EQ(curve_of(summed.out), curve_of(plain.out));
  EXPECT_EQ(state_of(summed.out), state_of(plain.out));
}

TEST(TrainingOnRanks, AnNcclThatFailsEndsAllRanks) {
  const test::TemporaryFolder folder;
  test::write_texts(folder);
  for (const char* what : {"fail=ncclAllReduce@1", "hang=ncclAllReduce@1"}) {
    const larimar::test::Misbehaviour misbehave(what);
    support::run_in_process(
        2,
        [&](comm::Transport& transport) {
          support::FakeStream stream;
          try {
            train_model(
                shared_run(folder.path(), 4), transport, [](const std::string&) {}, stand_in(stream));
            ADD_FAILURE() << "rank " << transport.rank() << " went on";
          } catch (const base::CommError& error) {
            EXPECT_THAT(error.what(), HasSubstr("NCCL 2.21.5")) << what;
          }
        },
        3.0);
    EXPECT_FALSE(fs::exists(folder.path() / "out/model"));
  }
}

TEST(TrainingOnRanks, ALossThatIsNotFiniteEndsRanksOfNcclToo) {
  const test::TemporaryFolder folder;
  test::write_texts(folder);
  support::run_in_process(2, [&](comm::Transport& transport) {
    support::FakeStream stream;
    TrainOptions options = shared_run(folder.path(), 4);
    options.learning_rate = 1e30;
    try {
      train_model(
          options, transport, [](const std::string&) {}, stand_in(stream));
      ADD_FAILURE() << "rank " << transport.rank() << " went on";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::ExitCode::kInternal);
      EXPECT_THAT(error.what(), HasSubstr("not finite"));
    }
  });
}

TEST(DeviceGroup, NcclTakesRanksThatHaveAGpuEach) {
  const RankDevice cpu{}, first{1, 10}, second{1, 11}, elsewhere{2, 10};
  EXPECT_EQ(how_to_sum({first, second, elsewhere}), SumBy::kNccl);
  EXPECT_EQ(how_to_sum({first, cpu}), SumBy::kTree);
  EXPECT_EQ(how_to_sum({cpu, cpu}), SumBy::kTree);
  EXPECT_EQ(how_to_sum({first, second, first}), SumBy::kTreeForSharedGpu);
}

/// What each of two ranks gets from join_devices: "tree", or "CODE sentence".
std::vector<std::string> joined(const std::vector<std::string>& devices, bool sum_on_devices) {
  std::vector<std::string> result(devices.size());
  support::run_in_process(static_cast<int>(devices.size()), [&](comm::Transport& transport) {
    const auto rank = static_cast<std::size_t>(transport.rank());
    TrainOptions options;
    options.device = devices[rank];
    options.sum_on_devices = sum_on_devices;
    try {
      result[rank] = join_devices(transport, options) == nullptr ? "tree" : "NCCL";
    } catch (const base::Error& error) {
      result[rank] = std::to_string(static_cast<int>(error.code())) + " " + error.what();
    }
  });
  return result;
}

TEST(DeviceGroup, IsJoinedOnlyWithAGpuForEachRankAndAnNccl) {
  ::setenv("LARIMAR_NCCL_LIBRARY", "libabsent_nccl.so.2", 1);
  EXPECT_THAT(joined({"cuda:0", "cuda:1"}, true), Each(AllOf(HasSubstr("78 rank 0 on "), HasSubstr("libabsent_nccl"))));
  EXPECT_THAT(joined({"cuda:0", "cuda:1"}, false), Each("tree"));
  EXPECT_THAT(joined({"cuda:0", "cpu"}, true), Each("tree"));
  testing::internal::CaptureStderr();
  EXPECT_THAT(joined({"cuda:0", "cuda:0"}, true), Each("tree"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("ranks share a GPU"));
  ::unsetenv("LARIMAR_NCCL_LIBRARY");
}

TEST(DeviceGroup, AGpuIsKnownByWhatThisProcessIsShown) {
  EXPECT_EQ(gpu_of("cuda:2", ""), "2");
  EXPECT_EQ(gpu_of("cuda", ""), "0");
  EXPECT_EQ(gpu_of("cuda:0", "3"), "3");
  EXPECT_EQ(gpu_of("cuda:1", "3,GPU-8d"), "GPU-8d");
}

TEST(TrainingOnRanks, ADeviceThatIsNotThereEndsAllRanksAlike) {
  expect_refused(
      2, [](TrainOptions& options, int) { options.device = "cuda:77"; }, base::ExitCode::kConfig, "cuda:77");
}

}  // namespace
}  // namespace larimar::train

#pragma once
// Trains larimar-compact, or a language model that reads its codes: text in, model folder out. The header shows no LibTorch type.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/comm/nccl_group.h"
#include "common/comm/transport.h"
#include "common/model/compact_config.h"
#include "common/model/injection_config.h"

namespace larimar::train {

enum class Precision { kFloat32, kBFloat16 };

/// A language model learns to read codes: an injection and adapters (common/model/injection.h, adapters.h).
struct InjectionOptions {
  std::filesystem::path codes;     // model folder whose codes are read, larimar-compact; empty: that itself is trained
  std::filesystem::path language;  // folder of a Llama with <|im_start|> and <|im_end|>
  model::InjectionConfig sizes;    // those of the code follow from `codes`
  std::int64_t reading_steps = 800;   // updates of the injection alone, before the language model takes part
  std::size_t language_tokens = 512;  // padded tokens of a batch that go through the language model
  std::filesystem::path questions;    // JSON lines (questions.h); empty: it learns to repeat texts alone
  double questions_share = 0.25;      // of the batches, which then answer in place of repeating
};

struct TrainOptions {
  std::filesystem::path data;       // folder of *.txt or *.txt.zst
  std::filesystem::path valid;      // the same, never trained on
  std::filesystem::path tokenizer;  // tokenizer.json
  std::filesystem::path out;        // working folder: segments, checkpoints, metrics; the model folder is out/model
  model::CompactConfig sizes;       // of an injection those of its codes
  InjectionOptions injection;
  std::int64_t steps = 20000;
  std::int64_t warmup = 200;
  double learning_rate = 1e-3;
  std::size_t batch_tokens = 1536;  // padded
  std::size_t micro_batches = 1;    // G: parts of a batch, each learnt whole by one rank; at least one for each rank
  std::int64_t candidates = 2048;   // pieces in the softmax early on (objective.h); 0 for all from the start
  double candidates_until = 0.7;    // share of the steps
  double average_decay = 0.999;     // of the average of the weights that is validated and written
  std::uint64_t seed = 1;
  std::int64_t valid_every = 500;             // steps
  double checkpoint_every = 300;              // seconds
  std::string device = "cpu";                 // "cpu" or "cuda:N"; of one kind on all ranks
  bool sum_on_devices = true;                 // gradients through NCCL where every rank has a GPU of its own
  Precision precision = Precision::kFloat32;  // of matrix products in training; weights and validation are float32
};

/// Makes the group of the ranks' GPUs, or nothing where gradients go over the transport. Collective.
using JoinDevices = std::function<std::unique_ptr<comm::NcclGroup>(comm::Transport&, const TrainOptions&)>;

/// Trains from the last checkpoint in out/, or from the start, to options.steps; writes out/metrics.jsonl (a line every
/// 50 steps and at each validation), checkpoints, and at each validation the model folder with averaged weights
/// and the curves (training.svg). A kill
/// at any time loses at most checkpoint_every seconds; the run that goes on sees the same batches.
/// `report` gets one line for people, on rank 0 only. Several ranks learn micro_batches / ranks parts of each batch each; on
/// CPUs of one kind with float32 the losses and weights have the same bits on any number of ranks, and a run may be gone on
/// with on another one. OUT must be on a file system that all ranks see; rank 0 alone writes there.
/// With several ranks that have a GPU each, NCCL adds the gradients in an order of its own: bits then depend on the ranks.
/// Calls   collective: in each step one merge_up of gradients, one broadcast of weights and a few words; by NCCL one all-reduce and
///         one broadcast. `join` is the seam for tests; without one join_devices() of train/device_group.h.
/// Throws  what the readers and writers throw, ConfigError for a device that is not there or ranks without a micro-batch, and
///         NumericalError when the loss or a gradient is not finite; with several ranks as an AgreedError on all of them.
void train_model(const TrainOptions& options, comm::Transport& transport,
                 const std::function<void(const std::string&)>& report, const JoinDevices& join = {});
/// The same on one rank. Local.
void train_model(const TrainOptions& options, const std::function<void(const std::string&)>& report);

}  // namespace larimar::train

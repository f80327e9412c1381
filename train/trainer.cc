#include "train/trainer.h"

#include <torch/torch.h>

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/comm/in_process_transport.h"
#include "common/model/devices.h"
#include "common/model/placement.h"
#include "train/autocast.h"
#include "train/checkpoint.h"
#include "train/device_group.h"
#include "train/lesson.h"
#include "train/objective.h"
#include "train/run_folder.h"
#include "train/schedule.h"
#include "train/shared_gradient.h"
#include "train/training_data.h"
#include "train/validation.h"

namespace larimar::train {
namespace {

using Segments = std::vector<std::vector<std::uint16_t>>;

torch::Device device_of(const TrainOptions& options) {
  return model::tensor_options({.device = options.device, .dtype = "float32"}).device();
}

std::int64_t tokens_of(std::span<const std::vector<std::uint16_t>> segments) {
  std::size_t tokens = segments.size();  // the ends of text
  for (const auto& segment : segments) tokens += segment.size();
  return static_cast<std::int64_t>(tokens);
}

void check_gradient(double norm, std::int64_t step) {
  if (std::isfinite(norm)) return;
  throw base::NumericalError("the gradient is not finite at step " + std::to_string(step) +
                             "; lower --learning-rate and resume from the checkpoint");
}

/// One rank's part of a run. Every rank has the network and sees all batches; rank 0 alone has the optimiser and writes files.
/// A step: each rank learns its micro-batches, rank 0 gets the sum of their gradients and updates, all get the new weights.
/// So weights cannot drift apart where processors differ, and the others need no memory for moments.
class Trainer {
 public:
  Trainer(const TrainOptions& options, comm::Transport& transport, const JoinDevices& join,
          std::function<void(const std::string&)> report)
      : options_(options),
        transport_(transport),
        data_(open_training_data(options, transport, report)),
        device_(device_of(options)),
        lesson_(do_together(transport, [&] { return make_lesson(options, device_); })),
        parameters_(do_together(transport, [&] { return FlatParameters(lesson_->module()); })),
        devices_(transport.size() > 1 ? join(transport, options) : nullptr) {
    do_together(transport_, [&] {
      if (is_first()) start(report);
    });
    share_progress();
    share(parameters_.values());
    stream_.emplace(data_.train, options_.seed, options_.batch_tokens, static_cast<std::size_t>(options_.sizes.group()),
                    progress_.stream);
  }

  void run() {
    const comm::PhaseScope phase(transport_, "train");
    const base::Stopwatch watch;
    const double before = progress_.seconds;
    base::Stopwatch since_checkpoint;
    for (; progress_.step < options_.steps;) {
      step();
      progress_.seconds = before + watch.seconds();
      progress_.stream = stream_->position();
      const bool last = progress_.step == options_.steps;
      if (progress_.step % 50 == 0 || last) {
        do_together(transport_, [&] {
          if (is_first()) log_training();
        });
      }
      if (progress_.step % options_.valid_every == 0 || last) validate();
      do_together(transport_, [&] {
        if (!is_first() || (since_checkpoint.seconds() < options_.checkpoint_every && !last)) return;
        save_checkpoint(checkpoint_path(), parameters_, optimiser_, progress_);
        since_checkpoint.restart();
      });
    }
  }

 private:
  [[nodiscard]] bool is_first() const { return transport_.rank() == 0; }
  [[nodiscard]] std::filesystem::path checkpoint_path() const { return options_.out / "checkpoint.safetensors"; }

  void start(const std::function<void(const std::string&)>& report) {
    optimiser_.average_decay = options_.average_decay;
    optimiser_.start(parameters_.values());
    if (std::filesystem::exists(checkpoint_path())) {
      progress_ = load_checkpoint(checkpoint_path(), parameters_, optimiser_);
      report("resumed at step " + std::to_string(progress_.step));
    }
    folder_.emplace(options_, report);
  }

  void share_progress() { transport_.broadcast(std::span(&progress_, 1), 0); }

  // Rank 0's numbers reach every rank's tensor.
  void share(torch::Tensor& tensor) {
    if (transport_.size() == 1) return;
    if (devices_) {
      devices_->broadcast(tensor.mutable_data_ptr(), static_cast<std::size_t>(tensor.numel()), comm::NcclType::kFloat32,
                          0);
      devices_->wait();
      return;
    }
    torch::Tensor here = tensor.to(torch::kCPU).contiguous();
    transport_.broadcast(std::span(here.mutable_data_ptr<float>(), static_cast<std::size_t>(here.numel())), 0);
    if (!device_.is_cpu()) tensor.copy_(here);
  }

  // The whole batch on every rank: which segments, and what is done to them, then does not depend on who learns them.
  Segments next_batch(base::Random& random) {
    Segments segments;
    for (const std::uint32_t i : stream_->next()) {
      const auto tokens = data_.train[i];
      segments.emplace_back(tokens.begin(), tokens.end());
      corrupt(segments.back(), static_cast<std::size_t>(options_.sizes.positions - 1), data_.alphabet, Corruption{},
              random);
    }
    return segments;
  }

  // Adds to the gradients those of some segments, whose loss counts for `weight` of the batch's.
  Tally learn(std::span<const std::vector<std::uint16_t>> segments, const Disturbance& disturbance, double weight,
              base::Random& random) {
    Outcome outcome;
    const auto reconstruct_on_device = [&] {
      const torch::Tensor tokens = pad_batch(segments, options_.sizes).to(device_);
      {
        const Autocast autocast(options_.precision, device_.type());
        outcome = lesson_->learn(tokens, disturbance, progress_.step, random);
      }
      // Without a code the loss stays high for ever; a small weight keeps it from drowning the rest.
      const double factor = disturbance.empty ? 0.1 * weight : weight;
      (factor == 1.0 ? outcome.loss : outcome.loss * factor).backward();
    };
    model::with_device_memory(std::to_string(segments.size()) + " segments to learn at once",
                              "raise --micro-batches or lower --batch-tokens", reconstruct_on_device);
    return {weight * outcome.loss.item<double>(), outcome.tokens, outcome.right_tokens, outcome.segments,
            outcome.exact_segments};
  }

  void step() {
    base::Random random(options_.seed * 0x10001 + static_cast<std::uint64_t>(progress_.step));
    const Segments segments = next_batch(random);
    const Disturbance disturbance = lesson_->disturbance_at(progress_.step, random);
    Tally tally;
    if (options_.micro_batches == 1) {  // nothing to add up, so nothing is copied
      tally = learn(segments, disturbance, 1.0, random);
      update();
    } else {
      tally = devices_ ? learn_on_devices(segments, disturbance, random) : learn_shared(segments, disturbance, random);
    }
    ++progress_.step;
    if (disturbance.empty) return;
    window_ += tally;
    window_loss_ = tally.loss;
  }

  // Micro-batch `part` of the batch; noise and candidates are its own.
  Tally learn_part(const Segments& segments, const Disturbance& disturbance, std::size_t part, std::uint64_t draw) {
    const Rows run = even_part(segments.size(), part, options_.micro_batches);
    const auto some = std::span(segments).subspan(run.first, run.size());
    if (some.empty()) return {};
    base::Random own(draw + part * 0x10001);
    return learn(some, disturbance, static_cast<double>(tokens_of(some)) / static_cast<double>(tokens_of(segments)),
                 own);
  }

  Tally learn_shared(const Segments& segments, const Disturbance& disturbance, base::Random& random) {
    const std::uint64_t draw = random.next();
    torch::Tensor& gradients = parameters_.gradients();
    SharedGradient shared(transport_, options_.micro_batches, static_cast<std::size_t>(gradients.numel()));
    do_together(transport_, [&] {
      for (std::size_t part = shared.mine().first; part < shared.mine().last; ++part) {
        const Tally tally = learn_part(segments, disturbance, part, draw);
        const torch::Tensor here = gradients.to(torch::kCPU);
        shared.add({here.const_data_ptr<float>(), static_cast<std::size_t>(here.numel())}, tally);
        gradients.zero_();
      }
    });
    Tally all;
    shared.finish([&](std::span<const float> sum, const Tally& tally) {
      gradients.copy_(torch::from_blob(const_cast<float*>(sum.data()), {gradients.numel()}, torch::kFloat32));
      update();
      all = tally;
    });
    share(parameters_.values());
    return all;
  }

  // Gradients stay on the GPUs: each rank's add up in place, then NCCL adds those of the ranks.
  Tally learn_on_devices(const Segments& segments, const Disturbance& disturbance, base::Random& random) {
    const std::uint64_t draw = random.next();
    const Rows mine = even_part(options_.micro_batches, static_cast<std::size_t>(transport_.rank()),
                                static_cast<std::size_t>(transport_.size()));
    std::vector<Tally> tallies;
    do_together(transport_, [&] {
      for (std::size_t part = mine.first; part < mine.last; ++part)
        tallies.push_back(learn_part(segments, disturbance, part, draw));
    });
    torch::Tensor& gradients = parameters_.gradients();
    devices_->all_reduce(gradients.mutable_data_ptr(), static_cast<std::size_t>(gradients.numel()),
                         comm::NcclType::kFloat32);
    devices_->wait();
    Tally all;
    finish_batch(transport_, options_.micro_batches, tallies, [&](const Tally& tally) {
      update();
      all = tally;
    });
    gradients.zero_();
    share(parameters_.values());
    return all;
  }

  // On rank 0, which has the moments.
  void update() {
    check_gradient(optimiser_.step(parameters_, learning_rate_at(progress_.step, options_)), progress_.step);
  }

  void log_training() {
    folder_->log_training(progress_, window_, window_loss_);
    window_ = {};
  }

  // On averaged weights; each rank judges its part of the segments.
  void validate() {
    const comm::PhaseScope phase(transport_, "validate");
    torch::NoGradGuard guard;
    const torch::Tensor weights = parameters_.values().clone();
    if (is_first()) parameters_.values().copy_(optimiser_.average);
    share(parameters_.values());
    const Tally part = do_together(transport_, [&] {
      return validate_part(*lesson_, progress_.step, {data_.valid, options_.sizes, device_}, transport_.rank(),
                           transport_.size());
    });
    Tally sum;
    for (const Tally& of_rank : transport_.all_gather_one(part)) sum += of_rank;
    do_together(transport_, [&] {
      if (!is_first()) return;
      folder_->log_validation(progress_, sum);
      folder_->write_model(*lesson_, progress_, data_.train.size(), data_.train.tokens());
    });
    parameters_.values().copy_(weights);
  }

  TrainOptions options_;
  comm::Transport& transport_;
  TrainingData data_;
  torch::Device device_;
  std::unique_ptr<Lesson> lesson_;
  FlatParameters parameters_;
  std::unique_ptr<comm::NcclGroup> devices_;  // null: over the transport
  AdamW optimiser_;                           // rank 0
  std::optional<RunFolder> folder_;           // rank 0
  Progress progress_;
  std::optional<BatchStream> stream_;
  Tally window_;
  double window_loss_ = 0;
};

}  // namespace

void train_model(const TrainOptions& options, comm::Transport& transport,
                 const std::function<void(const std::string&)>& report, const JoinDevices& join) {
  require_same_options(options, transport);
  do_together(transport, [&] {
    check_micro_batches(options.micro_batches, transport.size());
    static_cast<void>(device_of(options));
  });
  Trainer(options, transport, join ? join : JoinDevices(join_devices), report).run();
}

void train_model(const TrainOptions& options, const std::function<void(const std::string&)>& report) {
  train_model(options, *comm::make_single_transport(), report);
}

}  // namespace larimar::train

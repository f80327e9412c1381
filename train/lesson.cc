#include "train/lesson.h"

#include <torch/torch.h>

#include <mutex>

namespace larimar::train {

std::unique_ptr<Lesson> make_lesson(const TrainOptions& options, const torch::Device& device) {
  static std::mutex mutex;  // LibTorch's generator belongs to the process, and ranks may be its threads
  const std::scoped_lock lock(mutex);
  torch::manual_seed(options.seed);
  return options.injection.codes.empty() ? make_compact_lesson(options, device)
                                         : make_injection_lesson(options, device);
}

}  // namespace larimar::train

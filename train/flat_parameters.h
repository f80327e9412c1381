#pragma once
#include <torch/nn.h>
#include <torch/types.h>

namespace larimar::train {

/// All parameters of a module as views into one flat tensor, and their gradients as views into another, so that the
/// optimiser, the average and a reduction over ranks are each one pass over one array. Shares storage with the module,
/// which must outlive no copy of it: keep both together.
class FlatParameters {
 public:
  explicit FlatParameters(torch::nn::Module& module);
  [[nodiscard]] torch::Tensor& values() { return values_; }        // [parameters]
  [[nodiscard]] torch::Tensor& gradients() { return gradients_; }  // [parameters]

 private:
  torch::Tensor values_, gradients_;
};

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101) with an exponential average of the weights beside it.
struct AdamW {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8, weight_decay = 0.01, clip = 1.0, average_decay = 0.999;
  torch::Tensor first, second, average;  // [parameters], made zero or from the weights by start()
  std::int64_t steps = 0;
  bool fused = false;  // one kernel for all of a step but the average, as LibTorch has it; start() chooses it for CUDA

  void start(const torch::Tensor& values);
  /// One step with clipped gradients; returns the gradient norm before clipping. Gradients are zeroed.
  double step(FlatParameters& parameters, double learning_rate);

 private:
  void step_plainly(torch::Tensor& values, const torch::Tensor& gradients, double learning_rate);
  void step_fused(torch::Tensor& values, const torch::Tensor& gradients, double learning_rate);
};

}  // namespace larimar::train

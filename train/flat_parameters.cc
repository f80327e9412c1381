#include "train/flat_parameters.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace larimar::train {

FlatParameters::FlatParameters(torch::nn::Module& module) {
  torch::NoGradGuard guard;
  std::int64_t total = 0;
  for (const auto& parameter : module.parameters()) total += parameter.numel();
  const auto options = module.parameters().front().options().requires_grad(false);
  values_ = torch::empty({total}, options);
  gradients_ = torch::zeros({total}, options);
  std::int64_t at = 0;
  for (auto& parameter : module.parameters()) {
    auto view = values_.narrow(0, at, parameter.numel()).view(parameter.sizes());
    view.copy_(parameter);
    parameter.set_data(view);
    parameter.mutable_grad() = gradients_.narrow(0, at, parameter.numel()).view(parameter.sizes());
    at += parameter.numel();
  }
}

void AdamW::start(const torch::Tensor& values) {
  first = torch::zeros_like(values);
  second = torch::zeros_like(values);
  average = values.clone();
  fused = values.is_cuda();
}

double AdamW::step(FlatParameters& parameters, double learning_rate) {
  torch::NoGradGuard guard;
  torch::Tensor& gradients = parameters.gradients();
  const double norm = gradients.norm().item<double>();
  if (norm > clip) gradients.mul_(clip / norm);
  ++steps;
  const auto count = static_cast<double>(steps);
  if (fused)
    step_fused(parameters.values(), gradients, learning_rate);
  else
    step_plainly(parameters.values(), gradients, learning_rate);
  // Early on the average follows closely, so that it is useful from the start.
  average.lerp_(parameters.values(), 1.0 - std::min(average_decay, (1.0 + count) / (10.0 + count)));
  gradients.zero_();
  return norm;
}

void AdamW::step_plainly(torch::Tensor& values, const torch::Tensor& gradients, double learning_rate) {
  first.lerp_(gradients, 1.0 - beta1);
  second.mul_(beta2).addcmul_(gradients, gradients, 1.0 - beta2);
  const auto count = static_cast<double>(steps);
  const double first_bias = 1.0 - std::pow(beta1, count), second_bias = 1.0 - std::pow(beta2, count);
  values.mul_(1.0 - learning_rate * weight_decay);
  values.addcdiv_(first, second.sqrt().div_(std::sqrt(second_bias)).add_(epsilon), -learning_rate / first_bias);
}

void AdamW::step_fused(torch::Tensor& values, const torch::Tensor& gradients, double learning_rate) {
  const torch::Tensor count = torch::full({}, static_cast<double>(steps), values.options());
  at::_fused_adamw_({values}, {gradients}, {first}, {second}, {}, {count}, learning_rate, beta1, beta2, weight_decay,
                    epsilon, /*amsgrad=*/false, /*maximize=*/false);
}

}  // namespace larimar::train

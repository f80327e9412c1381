#include "common/model/rotary.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numbers>
#include <vector>

namespace larimar::model {
namespace {

at::Tensor float_tensor(const std::vector<double>& values) {
  return at::tensor(at::ArrayRef<double>(values), at::kDouble).to(at::kFloat);
}

/// Llama 3.1: slow frequencies are divided, fast ones kept, those between interpolated.
at::Tensor scale_llama3(const at::Tensor& frequencies, const RotaryConfig& config) {
  const auto original = static_cast<double>(config.original_positions);
  const at::Tensor wavelength = 2 * std::numbers::pi / frequencies;
  const at::Tensor is_slow = wavelength > original / config.low_frequency;
  const at::Tensor is_fast = wavelength < original / config.high_frequency;
  const at::Tensor slowed = at::where(is_slow, frequencies / config.factor, frequencies);
  const at::Tensor share =
      (original / wavelength - config.low_frequency) / (config.high_frequency - config.low_frequency);
  const at::Tensor between = (1 - share) * slowed / config.factor + share * slowed;
  return at::where(is_slow.logical_or(is_fast), slowed, between);
}

}  // namespace

at::Tensor rotary_frequencies(const RotaryConfig& config, bool is_long) {
  const auto size = static_cast<std::int64_t>(config.size);
  const at::Tensor exponents = at::arange(0, size, 2, at::kLong).to(at::kFloat) / static_cast<double>(size);
  const at::Tensor powers = at::pow(config.theta, exponents);
  if (config.scaling == RotaryScaling::kLongRope)
    return 1.0 / (float_tensor(is_long ? config.long_factors : config.short_factors) * powers);
  const at::Tensor frequencies = 1.0 / powers;
  if (config.scaling == RotaryScaling::kLinear) return frequencies / config.factor;
  return config.scaling == RotaryScaling::kLlama3 ? scale_llama3(frequencies, config) : frequencies;
}

RotaryTables::RotaryTables(const RotaryConfig& config, const at::TensorOptions& options)
    : config_(config), options_(options) {
  usual_.frequencies = rotary_frequencies(config_, false);
  if (config_.scaling == RotaryScaling::kLongRope) long_.frequencies = rotary_frequencies(config_, true);
}

void RotaryTables::extend(Tables& tables, std::int64_t positions) const {
  const std::int64_t present = tables.cosine.defined() ? tables.cosine.size(0) : 0;
  if (positions <= present) return;
  const std::int64_t wanted = std::max<std::int64_t>({positions, 2 * present, 256});
  const at::Tensor angles = at::arange(wanted, at::kLong).to(at::kFloat).unsqueeze(1) * tables.frequencies.unsqueeze(0);
  tables.cosine = (angles.cos() * config_.attention_factor).to(options_);
  tables.sine = (angles.sin() * config_.attention_factor).to(options_);
}

RotaryAngles RotaryTables::angles(const at::Tensor& positions, std::int64_t limit, bool is_long) {
  Tables& tables = is_long && long_.frequencies.defined() ? long_ : usual_;
  extend(tables, limit);
  const at::Tensor flat = positions.reshape({-1});
  const std::vector<std::int64_t> shape{positions.size(0), positions.size(1), 1, tables.cosine.size(1)};
  return {at::index_select(tables.cosine, 0, flat).view(shape), at::index_select(tables.sine, 0, flat).view(shape)};
}

at::Tensor turn(const at::Tensor& x, const RotaryAngles& angles) {
  const std::int64_t half = angles.cosine.size(3), rest = x.size(3) - 2 * half;
  const at::Tensor first = x.narrow(3, 0, half), second = x.narrow(3, half, half);
  at::Tensor turned = at::empty(x.sizes(), x.options());
  at::Tensor out_first = turned.narrow(3, 0, half), out_second = turned.narrow(3, half, half);
  at::mul_out(out_first, first, angles.cosine).addcmul_(second, angles.sine, -1);
  at::mul_out(out_second, second, angles.cosine).addcmul_(first, angles.sine);
  if (rest > 0) turned.narrow(3, 2 * half, rest).copy_(x.narrow(3, 2 * half, rest));
  return turned;
}

}  // namespace larimar::model

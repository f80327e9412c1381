#include "common/model/placement.h"

#include <ATen/ATen.h>

#include <charconv>
#include <map>

#include "common/base/error.h"

namespace larimar::model {
namespace {

bool processor_has_bfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

at::Device find_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  const std::string digits = name.starts_with("cuda:") ? name.substr(5) : name == "cuda" ? "0" : "";
  int index = -1;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (fault != std::errc() || end != digits.data() + digits.size() || index < 0 || index > 127)
    throw base::ConfigError("the device \"" + name + "\" is not known; choose cpu, cuda or cuda:N");
  const auto count = static_cast<int>(at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0);
  if (index >= count) {
    throw base::ConfigError("the device \"" + name + "\" is not there: LibTorch finds " + std::to_string(count) +
                            " CUDA devices; choose cpu");
  }
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

}  // namespace

at::TensorOptions tensor_options(const Placement& placement) {
  static const std::map<std::string, at::ScalarType> kTypes{
      {"float32", at::kFloat}, {"bfloat16", at::kBFloat16}, {"float16", at::kHalf}};
  const auto type = kTypes.find(placement.dtype);
  if (type == kTypes.end()) {
    throw base::ConfigError("the type \"" + placement.dtype + "\" is not known; choose float32, bfloat16 or float16");
  }
  const at::Device device = find_device(placement.device);
  if (device.is_cpu() && type->second == at::kHalf)
    throw base::ConfigError("float16 needs a GPU; on the processor choose float32");
  if (device.is_cpu() && type->second == at::kBFloat16 && !processor_has_bfloat16()) {
    throw base::ConfigError(
        "this processor has no instructions for bfloat16, in which it would be many times slower; choose float32");
  }
  return at::TensorOptions().device(device).dtype(type->second);
}

}  // namespace larimar::model

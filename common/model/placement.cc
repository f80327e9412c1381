#include "common/model/placement.h"

#include <ATen/ATen.h>

#include <map>

#include "common/base/error.h"
#include "common/model/devices.h"

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
  // "auto" is settled where one can say what became of it: launch/devices.h.
  if (name == "auto") throw base::ConfigError("the device \"auto\" is not settled; choose cpu, cuda or cuda:N");
  return at::Device(choose_device(name, 0).name);
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

at::Device encoder_device(const std::string& name, Arithmetic arithmetic) {
  const at::Device device = find_device(name);
  if (!device.is_cpu() && arithmetic == Arithmetic::kInteger)
    throw base::ConfigError("--arithmetic integer is for encoders on the CPU; leave out it or --encode-device");
  return device;
}

}  // namespace larimar::model

#include "common/model/devices.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <charconv>
#include <cstdlib>

#include "common/base/error.h"
#include "common/model/runtime.h"

namespace larimar::model {
namespace {

constexpr const char* kVariable = "LARIMAR_CUDA_LIBRARY";
constexpr const char* kUsualName = "libtorch_cuda.so";
constexpr int kMostDevices = 128;  // LibTorch keeps the number in a byte

std::string library_name() {
  const char* named = std::getenv(kVariable);
  return named != nullptr && *named != '\0' ? named : kUsualName;
}

/// What is wrong with the library; empty once it is open and has told LibTorch of itself.
std::string open_library(const std::string& name) {
  // RTLD_GLOBAL: the libraries of CUDA look for each other's symbols.
  if (::dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* why = ::dlerror();
    return "the CUDA part of LibTorch " + torch_version() + " cannot be opened (" + (why != nullptr ? why : name) +
           "; LARIMAR_CUDA_LIBRARY can name its file)";
  }
  if (at::CUDAHooksRegistry()->Has("CUDAHooks")) return {};
  return name + " is not the CUDA part of LibTorch " + torch_version() + " (LARIMAR_CUDA_LIBRARY can name its file)";
}

[[noreturn]] void refuse_name(const std::string& wanted) {
  throw base::ConfigError("the device \"" + wanted + "\" is not known; choose cpu, cuda, cuda:N or auto");
}

[[noreturn]] void refuse_absent(const std::string& wanted, const std::string& found) {
  throw base::ConfigError("the device \"" + wanted + "\" is not there: " + found + "; choose cpu or auto");
}

int number_of(const std::string& wanted) {
  const std::string digits = wanted.starts_with("cuda:") ? wanted.substr(5) : "";
  int index = -1;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (fault != std::errc() || end != digits.data() + digits.size() || index < 0 || index >= kMostDevices)
    refuse_name(wanted);
  return index;
}

}  // namespace

CudaSight look_for_cuda() {
  if (std::string wrong = open_library(library_name()); !wrong.empty()) return {0, std::move(wrong)};
  const int devices = at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  return {devices, devices > 0 ? "" : "LibTorch finds no CUDA device"};
}

ChosenDevice choose_device(const std::string& wanted, int place, const LookForCuda& look) {
  if (wanted == "cpu") return {};
  const int exact = is_shared_out(wanted) ? -1 : number_of(wanted);
  const CudaSight sight = look();
  if (sight.devices == 0 && wanted == "auto") return {"cpu", sight.why_none};
  if (sight.devices == 0) refuse_absent(wanted, sight.why_none);
  if (exact >= sight.devices) {
    const std::string last = std::to_string(sight.devices - 1);
    refuse_absent(wanted, "LibTorch finds cuda:0" + (sight.devices > 1 ? " to cuda:" + last : " alone"));
  }
  return {"cuda:" + std::to_string(exact >= 0 ? exact : place % sight.devices), ""};
}

}  // namespace larimar::model

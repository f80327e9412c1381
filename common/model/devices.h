#pragma once
// Which device networks run on. No LibTorch here.
#include <functional>
#include <string>

namespace larimar::model {

/// What this process sees of CUDA.
struct CudaSight {
  int devices = 0;
  std::string why_none{};  // a sentence's part, where there are none
};
/// The seam by which tests have devices that are not there.
using LookForCuda = std::function<CudaSight()>;

/// Opens LibTorch's CUDA part, which the program is not linked with, and counts the devices that CUDA_VISIBLE_DEVICES leaves.
/// The library is what LARIMAR_CUDA_LIBRARY names, or else libtorch_cuda.so where LibTorch lies; it stays loaded. One that is
/// absent, of another LibTorch or something else counts as no device, with the reason.
/// Call before anything else asks LibTorch for CUDA: it remembers that there was none. Local; thread-safe. Never throws.
[[nodiscard]] CudaSight look_for_cuda();

struct ChosenDevice {
  std::string name = "cpu";   // "cpu" or "cuda:N"
  std::string why_no_cuda{};  // where "auto" found no device
};

/// `wanted`: "cpu", "cuda" (device `place` modulo their number), "cuda:N" (that one) or "auto" (as "cuda", or the CPU if there is
/// no device). `place` counts the ranks of a host that share its devices, from 0. Does not look unless a device is asked for. Local.
/// Throws ConfigError (exit 78): an unknown name, or a device that is not there.
[[nodiscard]] ChosenDevice choose_device(const std::string& wanted, int place, const LookForCuda& look = look_for_cuda);

/// Runs work. Where the device has no memory for it, throws ConfigError (exit 78): "the device has no memory for WHAT (...); ADVICE".
/// Local. Throws what work throws.
void with_device_memory(const std::string& what, const std::string& advice, const std::function<void()>& work);

/// Whether its device depends on the ranks beside it: "cuda" and "auto".
[[nodiscard]] inline bool is_shared_out(const std::string& wanted) { return wanted == "cuda" || wanted == "auto"; }

}  // namespace larimar::model

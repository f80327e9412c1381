#include "train/device_group.h"

#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdlib>
#include <functional>
#include <set>
#include <sstream>
#include <utility>

#include "common/base/log.h"
#include "common/comm/agree.h"
#include "common/comm/host_place.h"

namespace larimar::train {
namespace {

/// LibTorch queues everything of this thread on one stream of the device; NCCL's collectives follow it there.
comm::DeviceStream stream_of(const c10::Device& device) {
  const c10::impl::VirtualGuardImpl cuda(device.type());
  const c10::Stream stream = cuda.getStream(device);
  return {.handle = stream.native_handle(),
          .is_idle = [stream] { return stream.query(); },
          .enter_device = [cuda, device] { cuda.setDevice(device); }};
}

RankDevice device_of_rank(const comm::Transport& transport, const std::string& device) {
  if (device == "cpu") return {};
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const std::string gpu = gpu_of(device, visible != nullptr ? visible : "");
  return {comm::host_number(transport.host()), std::hash<std::string>{}(gpu) | 1U};
}

}  // namespace

std::string gpu_of(const std::string& device, const std::string& visible) {
  const std::string number = device.starts_with("cuda:") ? device.substr(5) : "0";
  std::istringstream entries(visible);
  std::string entry;
  for (int left = std::stoi(number); left >= 0 && std::getline(entries, entry, ','); --left) {
    if (left == 0) return entry;
  }
  return number;
}

SumBy how_to_sum(const std::vector<RankDevice>& ranks) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> gpus;
  for (const RankDevice& rank : ranks) {
    if (rank.gpu == 0) return SumBy::kTree;
    gpus.emplace(rank.host, rank.gpu);
  }
  return gpus.size() == ranks.size() ? SumBy::kNccl : SumBy::kTreeForSharedGpu;
}

std::unique_ptr<comm::NcclGroup> join_devices(comm::Transport& transport, const TrainOptions& options) {
  if (!options.sum_on_devices) return nullptr;
  const SumBy how = how_to_sum(transport.all_gather_one(device_of_rank(transport, options.device)));
  if (how == SumBy::kTreeForSharedGpu && transport.rank() == 0)
    base::log(base::LogLevel::kWarning, "ranks share a GPU, which NCCL does not take: gradients are added up over MPI");
  if (how != SumBy::kNccl) return nullptr;
  auto library = comm::together(transport, [] { return comm::NcclLibrary::open(); });
  comm::DeviceStream stream = stream_of(c10::Device(options.device));
  stream.enter_device();  // LibTorch's usual stream is known to NCCL by no name but that of the current device
  return std::make_unique<comm::NcclGroup>(transport, std::move(library), std::move(stream));
}

}  // namespace larimar::train

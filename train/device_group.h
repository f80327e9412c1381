#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/comm/nccl_group.h"
#include "common/comm/transport.h"
#include "train/trainer.h"

namespace larimar::train {

/// Which GPU "cuda:N" is, by `visible`, the value of CUDA_VISIBLE_DEVICES ("" if it has none): its N-th entry, or else N. Local.
[[nodiscard]] std::string gpu_of(const std::string& device, const std::string& visible);

/// One rank's device, to tell whether ranks share one. Travels as it is.
struct RankDevice {
  std::uint64_t host = 0;
  std::uint64_t gpu = 0;  // hash of gpu_of(); 0: a CPU
};

enum class SumBy { kTree, kNccl, kTreeForSharedGpu };
/// NCCL takes ranks that have a GPU each. Local.
[[nodiscard]] SumBy how_to_sum(const std::vector<RankDevice>& ranks);

/// The group of the ranks' GPUs, on LibTorch's current stream; null where gradients are added up over the transport: one is on a
/// CPU, two share a GPU (rank 0 says so), or the options ask for it.
/// Calls   collective: one all_gather, and with GPUs those of NcclGroup.
/// Throws  AgreedError(kConfig) on every rank for an NCCL that is absent or of a wrong version; what NcclGroup throws.
[[nodiscard]] std::unique_ptr<comm::NcclGroup> join_devices(comm::Transport& transport, const TrainOptions& options);

}  // namespace larimar::train

#pragma once
#include "common/comm/transport.h"
#include "common/model/devices.h"
#include "launch/networks.h"
#include "launch/setup.h"

namespace larimar::launch {

/// The setup with the devices of this rank by name, "cpu" or "cuda:N", where the command line said cuda or auto. Ranks of a host
/// that use a device take turns on those that each of them sees. A rank that does not decode has no use for --device, nor one
/// that encodes nothing for --encode-device. Rank 0 says which ranks stay on the CPU because of auto.
/// Calls   collective; a few small ones.
/// Throws  AgreedError(kConfig) on every rank alike, naming rank and host, for a device that is not there.
[[nodiscard]] JobSetup on_devices(comm::Transport& transport, JobSetup setup, const NetworkNeeds& needs,
                                  const model::LookForCuda& look = model::look_for_cuda);

/// The same for what every rank does alike, as training: auto takes the CPU everywhere unless all ranks have a device.
[[nodiscard]] std::string one_kind_of_device(comm::Transport& transport, const std::string& wanted,
                                             const model::LookForCuda& look = model::look_for_cuda);

}  // namespace larimar::launch

#include "launch/devices.h"

#include <algorithm>
#include <vector>

#include "common/base/log.h"
#include "common/comm/agree.h"
#include "common/comm/host_place.h"
#include "common/comm/same.h"

namespace larimar::launch {
namespace {

/// A choice that ranks make together; `option` is one word on all of them.
struct Wish {
  const char* option;
  std::string wanted;  // "cpu" where the rank has no use for it
};

/// Rank 0 says once for the job which ranks stay on the CPU, and why the first of them does.
void tell_of_cpu(comm::Transport& transport, const char* option, const std::string& why_no_cuda) {
  const auto lacking = transport.all_gather_one(static_cast<char>(!why_no_cuda.empty()));
  std::vector<int> ranks;
  for (std::size_t rank = 0; rank < lacking.size(); ++rank) {
    if (lacking[rank] != 0) ranks.push_back(static_cast<int>(rank));
  }
  if (ranks.empty()) return;
  std::string why = why_no_cuda + (transport.size() > 1 ? " on " + transport.host() : "");
  transport.broadcast_string(why, ranks.front());
  if (transport.rank() != 0) return;
  base::log(base::LogLevel::kWarning, std::string(option) + " auto: the CPU" +
                                          (transport.size() > 1 ? " on " + comm::rank_list(ranks) : "") + ", because " +
                                          why);
}

model::ChosenDevice choose_together(comm::Transport& transport, const Wish& wish, int place,
                                    const model::LookForCuda& look) {
  const auto chosen =
      comm::together(transport, [&] { return model::choose_device(wish.wanted, std::max(place, 0), look); });
  tell_of_cpu(transport, wish.option, chosen.why_no_cuda);
  return chosen;
}

}  // namespace

JobSetup on_devices(comm::Transport& transport, JobSetup setup, const NetworkNeeds& needs,
                    const model::LookForCuda& look) {
  if (setup.device == "cpu" && setup.encode_device == "cpu") return setup;
  const comm::PhaseScope phase(transport, "choose devices");
  const bool encodes = needs.codes || needs.keys || needs.ranker;
  const std::string decode_on = needs.decoder ? setup.device : "cpu";
  const std::string encode_on = encodes ? setup.encode_device : "cpu";
  const int place = comm::place_on_host(transport, model::is_shared_out(decode_on) || model::is_shared_out(encode_on));
  setup.device = choose_together(transport, {"--device", decode_on}, place, look).name;
  setup.encode_device = choose_together(transport, {"--encode-device", encode_on}, place, look).name;
  return setup;
}

std::string one_kind_of_device(comm::Transport& transport, const std::string& wanted, const model::LookForCuda& look) {
  const comm::PhaseScope phase(transport, "choose devices");
  const int place = comm::place_on_host(transport, model::is_shared_out(wanted));
  const auto chosen = choose_together(transport, {"--device", wanted}, place, look);
  const auto on_cpu = transport.all_gather_one(static_cast<char>(chosen.name == "cpu"));
  const auto without = std::ranges::count(on_cpu, 1);
  if (wanted != "auto" || without == 0 || without == transport.size()) return chosen.name;
  if (transport.rank() == 0)
    base::log(base::LogLevel::kWarning, "--device auto: all ranks take the CPU, because not all have a CUDA device");
  return "cpu";
}

}  // namespace larimar::launch

#pragma once
// Processes behind the ranks, to tell a dead one from one that is silent.
#include <cstdint>
#include <string>
#include <vector>

namespace larimar::comm {

/// A rank's process. Travels as its bytes.
struct Peer {
  char host[64] = {};
  std::int64_t process = 0;
  std::uint64_t started = 0;  // clock ticks from the host's boot: tells a process from a later one of the same number
};

enum class PeerState { kRunning, kStopped, kGone, kElsewhere };

/// Calls: local; reads /proc.
[[nodiscard]] Peer this_process(const std::string& host);
/// kElsewhere: on another host, or this system does not tell. A zombie is gone. Calls: local; reads /proc.
[[nodiscard]] PeerState state_of(const Peer& peer, const std::string& host);

/// What this host knows of the others when one of them is waited for in vain: names those that are stopped or gone; else says
/// that on this host all run. `names[i]` is peer i's rank as the user knows it; `self` is left out. Calls: local.
[[nodiscard]] std::string describe_silence(const std::vector<Peer>& peers, const std::vector<int>& names, int self,
                                           const std::string& host);

/// SIGKILL to the peers on this host, this process excepted; also ends those that are stopped. Calls: local.
void kill_local(const std::vector<Peer>& peers, int self, const std::string& host);

}  // namespace larimar::comm

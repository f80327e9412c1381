#include "common/comm/peers.h"

#include <signal.h>  // kill is POSIX
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

namespace larimar::comm {
namespace {

struct ProcessStatus {
  char state = '?';  // R, S, D, T (stopped), t (traced), Z (zombie), X
  std::uint64_t started = 0;
};

// /proc/N/stat: number (name) state ... with the start as field 22. The name may hold anything, so the last ')' counts.
std::optional<ProcessStatus> status_of(std::int64_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStatus status;
  fields >> status.state;
  constexpr int kFieldsBetween = 22 - 3 - 1;  // state is field 3
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  fields >> status.started;
  if (!fields) return std::nullopt;
  return status;
}

bool is_local(const Peer& peer, const std::string& host) { return host == peer.host; }

}  // namespace

Peer this_process(const std::string& host) {
  Peer peer;
  host.copy(peer.host, sizeof peer.host - 1);
  peer.process = ::getpid();
  if (const auto status = status_of(peer.process)) peer.started = status->started;
  return peer;
}

PeerState state_of(const Peer& peer, const std::string& host) {
  if (!is_local(peer, host) || peer.started == 0) return PeerState::kElsewhere;
  const auto status = status_of(peer.process);
  if (!status || status->started != peer.started || status->state == 'Z' || status->state == 'X')
    return PeerState::kGone;
  return status->state == 'T' || status->state == 't' ? PeerState::kStopped : PeerState::kRunning;
}

std::string describe_silence(const std::vector<Peer>& peers, const std::vector<int>& names, int self,
                             const std::string& host) {
  std::string stopped, gone;
  bool elsewhere = false;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (static_cast<int>(i) == self) continue;
    const PeerState state = state_of(peers[i], host);
    const std::string name = "rank " + std::to_string(names[i]) + " (process " + std::to_string(peers[i].process) +
                             " on " + peers[i].host + ")";
    if (state == PeerState::kStopped) stopped += (stopped.empty() ? "" : ", ") + name;
    if (state == PeerState::kGone) gone += (gone.empty() ? "" : ", ") + name;
    elsewhere = elsewhere || state == PeerState::kElsewhere;
  }
  if (!stopped.empty())
    return stopped + " is silent, not dead: it was stopped by a signal (state T); SIGCONT lets it go on";
  if (!gone.empty()) return gone + " is gone";
  if (elsewhere)
    return "all ranks on this host run; one elsewhere is silent: stuck, stopped, or its network or host is gone";
  return "all ranks are alive; one is stuck or slower than allowed. Look at the other ranks' messages, or allow more "
         "time "
         "with --patience";
}

void kill_local(const std::vector<Peer>& peers, int self, const std::string& host) {
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (static_cast<int>(i) == self) continue;
    const PeerState state = state_of(peers[i], host);
    if (state == PeerState::kRunning || state == PeerState::kStopped)
      ::kill(static_cast<pid_t>(peers[i].process), SIGKILL);
  }
}

}  // namespace larimar::comm

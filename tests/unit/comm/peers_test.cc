// Telling a stopped process from a dead and from a living one, with real processes.
#include "common/comm/peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace larimar::comm {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kHost = "this-host";

/// A child that sleeps; ended with this object.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      ::sleep(60);
      ::_exit(0);
    }
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) const { ::kill(pid_, number); }
  /// As the child itself would say: its own number and start.
  [[nodiscard]] Peer peer() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string word;
    Peer peer = this_process(kHost);
    peer.process = pid_;
    for (int field = 1; field <= 22 && file >> word; ++field) {
      if (field == 22) peer.started = std::stoull(word);
    }
    return peer;
  }

 private:
  pid_t pid_;
};

bool becomes(const Peer& peer, PeerState state) {
  for (int i = 0; i < 500; ++i) {
    if (state_of(peer, kHost) == state) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(Peers, AStoppedProcessIsSilentAndADeadOneGone) {
  const Child child;
  const Peer peer = child.peer(), self = this_process(kHost);
  EXPECT_EQ(state_of(self, kHost), PeerState::kRunning);
  ASSERT_TRUE(becomes(peer, PeerState::kRunning));
  EXPECT_THAT(describe_silence({self, peer}, {0, 3}, 0, kHost), HasSubstr("all ranks are alive"));

  child.signal(SIGSTOP);
  ASSERT_TRUE(becomes(peer, PeerState::kStopped));
  EXPECT_THAT(describe_silence({self, peer}, {0, 3}, 0, kHost),
              AllOf(HasSubstr("rank 3 (process " + std::to_string(peer.process) + " on this-host)"),
                    HasSubstr("silent, not dead"), HasSubstr("state T")));

  kill_local({self, peer}, 0, kHost);  // stopped processes too
  ASSERT_TRUE(becomes(peer, PeerState::kGone)) << "a zombie is gone";
  EXPECT_THAT(describe_silence({self, peer}, {0, 3}, 0, kHost), AllOf(HasSubstr("is gone"), Not(HasSubstr("silent"))));
}

TEST(Peers, AnotherProcessOfTheSameNumberIsNotThePeer) {
  const Child child;
  Peer peer = child.peer();
  ASSERT_TRUE(becomes(peer, PeerState::kRunning));
  --peer.started;
  EXPECT_EQ(state_of(peer, kHost), PeerState::kGone);
  kill_local({peer}, -1, kHost);
  EXPECT_TRUE(becomes(child.peer(), PeerState::kRunning)) << "a process that is no peer was killed";
}

TEST(Peers, OfAnotherHostNothingIsKnown) {
  const Child child;
  const Peer peer = child.peer();
  EXPECT_EQ(state_of(peer, "elsewhere"), PeerState::kElsewhere);
  EXPECT_THAT(describe_silence({this_process("elsewhere"), peer}, {0, 1}, 0, "elsewhere"),
              HasSubstr("one elsewhere is silent"));
  kill_local({peer}, -1, "elsewhere");
  EXPECT_TRUE(becomes(peer, PeerState::kRunning));
}

}  // namespace
}  // namespace larimar::comm

#include "common/comm/transport.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <thread>

#include "common/base/clock.h"

namespace larimar::comm {
namespace {

constexpr int kBusyPolls = 64;            // a few microseconds: what a message within one machine takes
constexpr double kYieldSeconds = 200e-6;  // longer waits are for a computing peer, which may need our core
constexpr double kLongestSleepSeconds = 1e-3;
constexpr double kLookSeconds = 0.02;  // between looks at the peers: far less than what a recovery takes
constexpr double kSleepShare = 0.125;  // sleeping an eighth of the time waited so far adds at most that to a wait

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}

std::string describe(const Awaited& awaited) {
  std::string text = awaited.action;
  if (awaited.tag >= 0) text += " of tag " + std::to_string(awaited.tag);
  if (awaited.peer >= 0) text += " with rank " + std::to_string(awaited.peer);
  return text;
}

}  // namespace

Transport::Transport(int rank, int size, std::string host)
    : rank_(rank), size_(size), host_(std::move(host)), members_(static_cast<std::size_t>(size)) {
  std::iota(members_.begin(), members_.end(), 0);
}

void Transport::set_patience(double seconds) {
  if (!(seconds > 0))
    throw base::ConfigError("the patience for other ranks is " + seconds_text(seconds) + "; give more than 0 seconds");
  patience_ = seconds;
}

PatienceScope::PatienceScope(Transport& transport, double seconds, double waited)
    : transport_(transport), before_(transport.patience()), waited_before_(transport.waited_before_) {
  transport.set_patience(seconds);
  transport.waited_before_ = waited;
}

PatienceScope::~PatienceScope() {
  transport_.patience_ = before_;
  transport_.waited_before_ = waited_before_;
}

void Transport::wait(const std::function<bool()>& done, const Awaited& awaited) {
  for (int poll = 0; poll < kBusyPolls; ++poll) {
    if (done()) return;
  }
  const base::Stopwatch watch;
  double next_look = 0, limit = patience_;
  bool was_stopped = false;
  while (!done()) {
    const double waited = watch.seconds();
    if (waited >= next_look) {
      look_at_peers();
      next_look = waited + kLookSeconds;
    }
    if (waited > limit) {
      // One more look before giving up: this process itself may have been stopped for a while.
      if (done()) return;
      const bool stopped = idle_ && knows_of_stopped_peer();
      if (!idle_ || (stopped && was_stopped)) {
        broken_ = true;
        throw SilenceError(place() + "waited " + seconds_text(waited_before_ + waited) + " for " + describe(awaited) +
                           " in vain: " + describe_silence());
      }
      was_stopped = stopped;
      limit += patience_;
    }
    if (waited < kYieldSeconds) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::duration<double>(std::min(kLongestSleepSeconds, kSleepShare * waited)));
    }
  }
}

std::string Transport::place() const {
  return "rank " + std::to_string(members_[static_cast<std::size_t>(rank_)]) + " on " + host_ + ", phase '" + phase_ +
         "': ";
}

std::string Transport::describe_silence() const {
  return "a peer is gone, stuck or slower than allowed. Look at the other ranks' messages, or allow more time";
}

void Transport::fail(const std::string& text) {
  broken_ = true;
  throw base::CommError(place() + text);
}

void Transport::lose(const std::string& text) {
  broken_ = lost_ = true;
  phase_of_loss_ = phase_;
  throw RankLostError(place() + text);
}

void Transport::begin(const char* verb) const {
  if (lost_) throw RankLostError(place() + verb + " is refused because a rank of the group was lost");
  if (broken_)
    throw base::CommError(place() + verb + " is refused because an earlier call failed; the job has to be ended");
}

void Transport::begin_with(int peer, const char* verb) {
  begin(verb);
  if (peer < 0 || peer >= size_) {
    fail(std::string(verb) + " names rank " + std::to_string(peer) + ", but the ranks are 0 to " +
         std::to_string(size_ - 1));
  }
}

void Transport::begin_with(int peer, Tag tag, const char* verb) {
  begin_with(peer, verb);
  const int number = static_cast<int>(tag);
  if (number < 0 || number >= kTagLimit) {
    fail(std::string(verb) + " has tag " + std::to_string(number) + ", but tags are 0 to " +
         std::to_string(kTagLimit - 1));
  }
}

void Transport::begin_all_gather(std::size_t mine, std::size_t all) {
  begin("all_gather");
  if (mine != all / static_cast<std::size_t>(size_) || all % static_cast<std::size_t>(size_) != 0) {
    fail("all_gather of " + std::to_string(mine) + " elements from each of " + std::to_string(size_) +
         " ranks does not fill " + std::to_string(all));
  }
}

std::vector<std::size_t> Transport::begin_gather(std::size_t mine, std::span<const std::size_t> counts,
                                                 std::size_t element_bytes, int root) {
  begin_with(root, "gather");
  if (counts.size() != static_cast<std::size_t>(size_)) {
    fail("gather has " + std::to_string(counts.size()) + " counts for " + std::to_string(size_) + " ranks");
  }
  if (mine != counts[static_cast<std::size_t>(rank_)]) {
    fail("gather was to bring " + std::to_string(counts[static_cast<std::size_t>(rank_)]) +
         " elements from here, but has " + std::to_string(mine));
  }
  std::vector<std::size_t> bytes(counts.size() + 1);
  std::size_t& sum = bytes.back();
  for (std::size_t r = 0; r < counts.size(); ++r) {
    if (__builtin_mul_overflow(counts[r], element_bytes, &bytes[r]) || __builtin_add_overflow(sum, bytes[r], &sum)) {
      fail("gather of " + std::to_string(counts[r]) + " elements from rank " + std::to_string(r) + " overflows");
    }
  }
  return bytes;
}

void Transport::broadcast_string(std::string& text, int root, std::size_t limit) {
  std::uint64_t length = text.size();
  broadcast(std::span(&length, 1), root);
  if (length > limit) {
    fail("rank " + std::to_string(root) + " broadcasts a control message of " + std::to_string(length) +
         " bytes; at most " + std::to_string(limit) + " are allowed");
  }
  text.resize(length);
  broadcast(std::span(text.data(), text.size()), root);
}

std::vector<std::string> Transport::all_gather_strings(const std::string& mine, std::size_t limit) {
  const std::vector<std::uint64_t> lengths = all_gather_one<std::uint64_t>(mine.size());
  std::uint64_t total = 0;
  for (const std::uint64_t length : lengths) {
    if (__builtin_add_overflow(total, length, &total) || total > limit) {
      fail("the control messages of all ranks are longer than the " + std::to_string(limit) + " bytes allowed");
    }
  }
  std::vector<std::string> all(lengths.size());
  for (int r = 0; r < size_; ++r) {
    std::string& text = all[static_cast<std::size_t>(r)];
    if (r == rank_) text = mine;
    text.resize(lengths[static_cast<std::size_t>(r)]);
    broadcast(std::span(text.data(), text.size()), r);
  }
  return all;
}

int Transport::receive_any_bytes(std::span<std::byte> bytes, Tag tag) {
  begin_with(rank_, tag, "receive");
  std::optional<int> source;
  wait([&] { return (source = try_receive_any_bytes(bytes, tag)).has_value(); },
       {.action = "a message from any rank", .tag = static_cast<int>(tag)});
  return *source;
}

void Transport::flush() {
  begin("flush");
  flush_posted();
}

void Transport::barrier() {
  begin("barrier");
  barrier_all();
}

}  // namespace larimar::comm

#include "common/comm/in_process_transport.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>

#include "common/comm/host_name.h"
#include "common/comm/internal/collective_tags.h"

namespace larimar::comm {
namespace {

struct Message {
  int source;
  int tag;
  std::vector<std::byte> bytes;
};

struct Mailbox {
  std::mutex mutex;
  std::deque<Message> messages;
};

struct Group {
  explicit Group(int size) : mailboxes(static_cast<std::size_t>(size)) {}
  std::vector<Mailbox> mailboxes;
  std::atomic<bool> aborted{false};
};

void copy(std::span<const std::byte> from, std::span<std::byte> to) {
  if (!from.empty() && from.data() != to.data()) std::memcpy(to.data(), from.data(), from.size());
}

class InProcessTransport final : public Transport {
 public:
  InProcessTransport(std::shared_ptr<Group> group, int rank, int size)
      : Transport(rank, size, host_name()), group_(std::move(group)) {}

  [[noreturn]] void abort(base::ExitCode code) override {
    group_->aborted = true;
    throw base::Error(code, "rank " + std::to_string(rank()) + " ended the job in phase '" + phase() + "'");
  }

 private:
  void send_bytes(std::span<const std::byte> bytes, int to, Tag tag) override { put(bytes, to, static_cast<int>(tag)); }
  void receive_all_bytes(std::span<const Incoming> incoming, Tag tag) override {
    for (const Incoming& one : incoming) take(one.bytes, one.from, static_cast<int>(tag));
  }
  void post_bytes(std::vector<std::byte> bytes, int to, Tag tag) override { put(bytes, to, static_cast<int>(tag)); }
  void flush_posted() override {}

  std::optional<int> try_receive_any_bytes(std::span<std::byte> bytes, Tag tag) override {
    const std::optional<Message> message = try_take(-1, static_cast<int>(tag));
    if (!message) return std::nullopt;
    deliver(*message, bytes);
    return message->source;
  }

  void barrier_all() override {
    for (int r = 0; r < size(); ++r) {
      if (r != rank()) put({}, r, static_cast<int>(kBarrierTag));
    }
    for (int r = 0; r < size(); ++r) {
      if (r != rank()) take({}, r, static_cast<int>(kBarrierTag));
    }
  }

  void put(std::span<const std::byte> bytes, int to, int tag) {
    Message message{rank(), tag, std::vector<std::byte>(bytes.begin(), bytes.end())};
    Mailbox& box = group_->mailboxes[static_cast<std::size_t>(to)];
    const std::scoped_lock lock(box.mutex);
    box.messages.push_back(std::move(message));
  }

  // The oldest message that fits; source -1 stands for any.
  std::optional<Message> try_take(int source, int tag) {
    Mailbox& box = group_->mailboxes[static_cast<std::size_t>(rank())];
    const std::scoped_lock lock(box.mutex);
    const auto found = std::find_if(box.messages.begin(), box.messages.end(), [&](const Message& m) {
      return m.tag == tag && (source < 0 || m.source == source);
    });
    if (found == box.messages.end()) {
      if (group_->aborted) fail("another rank has ended the job");
      return std::nullopt;
    }
    std::optional<Message> message(std::move(*found));
    box.messages.erase(found);
    return message;
  }

  void take(std::span<std::byte> into, int source, int tag) {
    std::optional<Message> message;
    wait([&] { return (message = try_take(source, tag)).has_value(); },
         {.action = "a message", .peer = source, .tag = tag});
    deliver(*message, into);
  }

  void deliver(const Message& message, std::span<std::byte> into) {
    if (message.bytes.size() != into.size()) {
      fail("rank " + std::to_string(message.source) + " sent " + std::to_string(message.bytes.size()) +
           " bytes where " + std::to_string(into.size()) + " were expected");
    }
    copy(message.bytes, into);
  }

  std::shared_ptr<Group> group_;
};

}  // namespace

std::vector<std::unique_ptr<Transport>> make_in_process_group(int size) {
  if (size < 1) throw base::ConfigError("a group needs at least 1 rank, not " + std::to_string(size));
  const auto group = std::make_shared<Group>(size);
  std::vector<std::unique_ptr<Transport>> ranks;
  for (int r = 0; r < size; ++r) ranks.push_back(std::make_unique<InProcessTransport>(group, r, size));
  return ranks;
}

std::unique_ptr<Transport> make_single_transport() { return std::move(make_in_process_group(1).front()); }

}  // namespace larimar::comm

#pragma once
#include <cstdint>

#include "common/comm/transport.h"

namespace larimar::comm {

/// What a rank has sent, and how long its processor was busy with messages: waits that poll are busy, too.
struct Sent {
  std::uint64_t messages = 0, bytes = 0;
  double cpu_seconds = 0;
};

/// Another transport whose collectives are made of messages between two ranks, along the trees of coordinator/cost_model.h, so that each
/// message can be counted where it leaves. For measurements; the results are those of the other one.
/// Every rank of the group has one, borrows the transport and uses that through this one only while it lives. Messages to
/// oneself and barriers are not counted. receive_any throws CommError.
class CountingTransport : public Transport {
 public:
  explicit CountingTransport(Transport& inner);

  [[nodiscard]] const Sent& sent() const { return sent_; }
  void reset() { sent_ = {}; }

  [[noreturn]] void abort(base::ExitCode code) override;

 private:
  void broadcast_bytes(std::span<std::byte> buffer, int root) override;
  void all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void gather_bytes(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts, std::span<std::byte> all,
                    int root) override;
  void send_bytes(std::span<const std::byte> bytes, int to, Tag tag) override;
  void receive_bytes(std::span<std::byte> bytes, int from, Tag tag) override;
  void post_bytes(std::vector<std::byte> bytes, int to, Tag tag) override;
  std::optional<int> try_receive_any_bytes(std::span<std::byte> bytes, Tag tag) override;
  void flush_posted() override;
  void barrier_all() override;
  void count(std::size_t bytes, int to);

  Transport& inner_;
  Sent sent_;
};

}  // namespace larimar::comm

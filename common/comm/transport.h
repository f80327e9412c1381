#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace larimar::comm {

/// The kind of a point-to-point message. Each user of the seam names its own constants: `inline constexpr Tag kProgress{3};`
enum class Tag : int {};
inline constexpr int kTagLimit = 16384;  // tags are 0 .. kTagLimit - 1; MPI promises 32767, the rest is ours
inline constexpr std::size_t kMaxStringBytes = std::size_t{64} << 20;  // control messages are far smaller
inline constexpr std::size_t kMaxAnySource = 4096;  // receive_any is for small messages, which MPI delivers eagerly
inline constexpr double kDefaultPatienceSeconds = 300.0;
/// From so many ranks on an all_gather goes up and down a tree: libraries differ, and Open MPI's sends size^2 messages.
inline constexpr int kTreeFromRanks = 16;
/// Whether a gather is made of messages of those that have anything, rather than one of every rank.
[[nodiscard]] constexpr bool is_sparse(std::size_t senders, std::size_t ranks) { return 4 * senders <= ranks; }

/// What may travel as raw bytes between ranks of one kind of machine.
template <class T>
concept Payload = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;

template <Payload T>
struct Received {
  int source = -1;
  T value{};
};

/// How the messages of two neighbouring runs of ranks become that of both. Equal on all ranks.
struct Merging {
  /// Length in bytes of the message of ranks [first, last); 0: these ranks say nothing and nothing is sent for them.
  std::function<std::size_t(int first, int last)> bytes;
  /// The message of ranks [a, c) from those of [a, b) and [b, c), neither empty. Associative, so that the result does not depend
  /// on where runs are cut.
  std::function<std::vector<std::byte>(std::span<const std::byte> low, std::span<const std::byte> high)> combine;
};

/// What a wait waits for; becomes words only in an error.
struct Awaited {
  const char* action;
  int peer = -1;  // -1: all ranks, or any
  int tag = -1;   // -1: no tag
};

/// A rank of the group has died, or gave up, and the MPI library lets the others go on (ULFM). Every rank of the group gets it
/// from a verb sooner or later; the group is of no more use, see Environment::make_survivors_transport.
struct RankLostError : base::CommError {
  using base::CommError::CommError;
};
/// The patience for another rank has ended. Every rank that waits gets it at about the same time.
struct SilenceError : base::CommError {
  using base::CommError::CommError;
};

/// One rank's end of a group of ranks; knows bytes and nothing of their meaning. Used by one thread only.
/// Collectives are called by every rank of the group, in the same order; a rank without anything to say passes zero elements.
/// Every wait ends: after patience() seconds without the awaited event the verb throws CommError, and so does each later
/// verb, since the buffers of an unfinished call may still be in use. Then only abort() is left, or give_up().
class Transport {
 public:
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] double patience() const noexcept { return patience_; }
  [[nodiscard]] const std::string& phase() const noexcept { return phase_; }
  /// The phase in which a rank of the group was lost; phase() has left the scopes of that time.
  [[nodiscard]] const std::string& phase_of_loss() const noexcept { return phase_of_loss_; }
  /// Throws ConfigError unless seconds > 0.
  void set_patience(double seconds);
  /// Waits without a deadline, because a peer may rightly compute for ever; they end only if one is known to be stopped for as long
  /// as the patience. See IdleScope.
  void set_idle(bool idle) { idle_ = idle; }
  [[nodiscard]] bool is_idle() const noexcept { return idle_; }
  void set_phase(std::string phase) {
    phase_ = std::move(phase);
    phase_changed();
  }
  /// Of each rank of this group, the number that the job gave it at its start; they differ once a rank has died.
  [[nodiscard]] const std::vector<int>& members() const noexcept { return members_; }

  /// The root's elements reach every rank's buffer. Shapes: the same number of elements on all ranks.
  /// Calls: collective. Any size: long buffers travel in pieces.
  template <Payload T, std::size_t Extent>
  void broadcast(std::span<T, Extent> buffer, int root) {
    begin_with(root, "broadcast");
    if (!buffer.empty()) broadcast_bytes(std::as_writable_bytes(buffer), root);
  }

  /// The root's text replaces everybody's. Calls: collective, two broadcasts (a fixed 8-byte length, then the text).
  /// Throws CommError on every rank alike if the text is longer than `limit`.
  void broadcast_string(std::string& text, int root, std::size_t limit = kMaxStringBytes);

  /// Everybody's elements in rank order, on every rank. Shapes: mine [n], all [size() * n], n equal on all ranks.
  /// Calls: collective.  Throws CommError if the shapes disagree.
  template <Payload T, std::size_t Extent>
  void all_gather(std::type_identity_t<std::span<const T>> mine, std::span<T, Extent> all) {
    begin_all_gather(mine.size(), all.size());
    if (!mine.empty()) all_gather_bytes(std::as_bytes(mine), std::as_writable_bytes(all));
  }

  /// One value of each rank, in rank order. Calls: collective.
  template <Payload T>
  [[nodiscard]] std::vector<T> all_gather_one(const T& mine) {
    std::vector<T> all(static_cast<std::size_t>(size()));
    all_gather(std::span(&mine, 1), std::span(all));
    return all;
  }

  /// Everybody's text in rank order, on every rank; for control messages. Calls: collective, size() + 1 of them.
  /// Throws CommError on every rank alike if the texts together are longer than `limit`.
  [[nodiscard]] std::vector<std::string> all_gather_strings(const std::string& mine,
                                                            std::size_t limit = kMaxStringBytes);

  /// Elements of all ranks one after the other in rank order, at the root; empty elsewhere.
  /// Shapes: counts [size()], the same on all ranks; mine [counts[rank()]]. Calls: collective; no size is sent.
  /// Throws CommError if mine and counts disagree or the sum overflows. Any size: above 1 GiB, or where few ranks have anything, each
  /// of those sends to the root.
  template <class T, std::size_t Extent>
  requires Payload<std::remove_const_t<T>>
  [[nodiscard]] std::vector<std::remove_const_t<T>> gather_varying(std::span<T, Extent> mine,
                                                                   std::span<const std::size_t> counts, int root) {
    const std::vector<std::size_t> bytes = begin_gather(mine.size(), counts, sizeof(T), root);
    std::vector<std::remove_const_t<T>> all(rank() == root ? bytes.back() / sizeof(T) : 0);
    if (bytes.back() > 0) {
      gather_bytes(std::as_bytes(mine), std::span(bytes).first(counts.size()), std::as_writable_bytes(std::span(all)),
                   root);
    }
    return all;
  }

  /// One message of all ranks on rank 0, put together on the way there along a binomial tree; empty elsewhere. Where combining
  /// shortens, rank 0 gets log2 of size() short messages instead of size() - 1.
  /// Shapes: mine [merging.bytes(rank(), rank() + 1)]. Calls: collective. Throws CommError for another length; what combine throws.
  [[nodiscard]] std::vector<std::byte> merge_up(std::vector<std::byte> mine, const Merging& merging);

  /// Calls: p2p. Returns when the elements may be reused, which can be before they are received.
  template <class T, std::size_t Extent>
  requires Payload<std::remove_const_t<T>>
  void send(std::span<T, Extent> elements, int to, Tag tag) {
    begin_with(to, tag, "send");
    send_bytes(std::as_bytes(elements), to, tag);
  }

  /// Calls: p2p. Shapes: exactly as many elements as were sent (CommError otherwise). Messages of one source and tag keep their order.
  template <Payload T, std::size_t Extent>
  void receive(std::span<T, Extent> elements, int from, Tag tag) {
    begin_with(from, tag, "receive");
    receive_bytes(std::as_writable_bytes(elements), from, tag);
  }

  /// Sends a copy that the transport owns until it has left. Calls: p2p, returns at once; see flush().
  template <class T, std::size_t Extent>
  requires Payload<std::remove_const_t<T>>
  void post(std::span<T, Extent> elements, int to, Tag tag) {
    begin_with(to, tag, "post");
    const auto bytes = std::as_bytes(elements);
    post_bytes(std::vector<std::byte>(bytes.begin(), bytes.end()), to, tag);
  }

  /// Waits until every posted message has left. Calls: local, with an end that depends on the receivers.
  void flush();

  /// The next small message of this tag, from whichever rank. Calls: p2p. The deadline is on silence: each call has the
  /// full patience, so a rank that reports now and then may compute as long as it needs.
  template <Payload T>
  [[nodiscard]] Received<T> receive_any(Tag tag) {
    static_assert(sizeof(T) <= kMaxAnySource);
    Received<T> received;
    received.source = receive_any_bytes(std::as_writable_bytes(std::span(&received.value, 1)), tag);
    return received;
  }

  /// Like receive_any, without waiting: empty if no such message is there. Calls: p2p, polls once.
  template <Payload T>
  [[nodiscard]] std::optional<Received<T>> try_receive_any(Tag tag) {
    static_assert(sizeof(T) <= kMaxAnySource);
    begin_with(rank(), tag, "receive");
    Received<T> received;
    const auto source = try_receive_any_bytes(std::as_writable_bytes(std::span(&received.value, 1)), tag);
    if (!source) return std::nullopt;
    received.source = *source;
    return received;
  }

  /// Returns when every rank has called it. Calls: collective.
  void barrier();

  /// Ends the whole job with this exit code. Calls: local; takes the other ranks down. MPI: does not return. In one process:
  /// the other ranks' waits throw CommError, and this call throws base::Error with the code, for main to leave by.
  [[noreturn]] virtual void abort(base::ExitCode code) = 0;

  /// Ends everybody's waits in this group with RankLostError, so that all ranks can agree on what comes next. Calls: local; the
  /// others are told. Does nothing where a group cannot lose a rank.
  virtual void give_up() noexcept {}
  /// Whether another rank has given up, or has died. Calls: local, once the group is broken.
  [[nodiscard]] virtual bool others_gave_up() { return false; }

 protected:
  Transport(int rank, int size, std::string host);
  /// members() of a group that others have left. Shapes: [size()].
  void set_members(std::vector<int> members) { members_ = std::move(members); }

  /// The one place where a rank waits: polls `done`, at first busily, then yielding, then asleep for at most 1 ms at a time.
  /// Throws CommError, naming what was awaited, once patience() seconds have passed.
  void wait(const std::function<bool()>& done, const Awaited& awaited);
  /// Makes the transport unusable and throws CommError: "rank R on HOST, phase P: " + text.
  [[noreturn]] void fail(const std::string& text);
  /// The same with RankLostError, from now on by every verb.
  [[noreturn]] void lose(const std::string& text);
  [[nodiscard]] bool is_broken() const noexcept { return broken_; }
  /// What is known of a peer that was waited for in vain.
  [[nodiscard]] virtual std::string describe_silence() const;
  /// Whether a peer is known to do nothing at all, such as one that a signal has stopped.
  [[nodiscard]] virtual bool knows_of_stopped_peer() const { return false; }
  /// all_gather_bytes as a merge_up and a broadcast: 2 (size() - 1) messages, 2 log2 of size() of them one after another.
  void all_gather_along_tree(std::span<const std::byte> mine, std::span<std::byte> all);

 private:
  virtual void broadcast_bytes(std::span<std::byte> buffer, int root) = 0;
  virtual void all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) = 0;
  virtual void gather_bytes(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts,
                            std::span<std::byte> all, int root) = 0;
  virtual void send_bytes(std::span<const std::byte> bytes, int to, Tag tag) = 0;
  virtual void receive_bytes(std::span<std::byte> bytes, int from, Tag tag) = 0;
  virtual void post_bytes(std::vector<std::byte> bytes, int to, Tag tag) = 0;
  virtual std::optional<int> try_receive_any_bytes(std::span<std::byte> bytes, Tag tag) = 0;
  virtual void flush_posted() = 0;
  virtual void barrier_all() = 0;
  /// Called now and then by waits: a group that can lose a rank looks whether it has, so that the wait may end.
  virtual void look_at_peers() {}
  virtual void phase_changed() {}

  int receive_any_bytes(std::span<std::byte> bytes, Tag tag);
  void begin(const char* verb) const;
  void begin_with(int peer, const char* verb);
  void begin_with(int peer, Tag tag, const char* verb);
  void begin_all_gather(std::size_t mine, std::size_t all);
  // Bytes of each rank, and as one more element at the end their sum.
  std::vector<std::size_t> begin_gather(std::size_t mine, std::span<const std::size_t> counts,
                                        std::size_t element_bytes, int root);
  [[nodiscard]] std::string place() const;
  friend class PatienceScope;

  int rank_;
  int size_;
  std::string host_;
  std::string phase_ = "start", phase_of_loss_;
  double patience_ = kDefaultPatienceSeconds, waited_before_ = 0;
  bool idle_ = false;
  std::vector<int> members_;
  bool broken_ = false;
  bool lost_ = false;
};

/// Names what the rank is doing, for the messages of waits within this scope.
class PhaseScope {
 public:
  PhaseScope(Transport& transport, std::string phase) : transport_(transport), before_(transport.phase()) {
    transport.set_phase(std::move(phase));
  }
  ~PhaseScope() { transport_.set_phase(std::move(before_)); }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  Transport& transport_;
  std::string before_;
};

/// Within this scope the rank waits for peers that may compute for long.
class IdleScope {
 public:
  explicit IdleScope(Transport& transport) : transport_(transport), before_(transport.is_idle()) {
    transport.set_idle(true);
  }
  ~IdleScope() { transport_.set_idle(before_); }
  IdleScope(const IdleScope&) = delete;
  IdleScope& operator=(const IdleScope&) = delete;

 private:
  Transport& transport_;
  bool before_;
};

/// Another patience within this scope, for example where peers compute for long. Throws ConfigError unless seconds > 0.
class PatienceScope {
 public:
  /// `waited` already for the same thing, by looking now and then: an error tells the sum.
  PatienceScope(Transport& transport, double seconds, double waited = 0);
  ~PatienceScope();
  PatienceScope(const PatienceScope&) = delete;
  PatienceScope& operator=(const PatienceScope&) = delete;

 private:
  Transport& transport_;
  double before_, waited_before_;
};

}  // namespace larimar::comm

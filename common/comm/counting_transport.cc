#include "common/comm/counting_transport.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "common/comm/binomial.h"

namespace larimar::comm {
namespace {

// The inner transport takes users' tags only; these are the last two of them.
constexpr Tag kCollective{kTagLimit - 1}, kMerging{kTagLimit - 2};

Tag inner_tag(Tag tag) { return static_cast<int>(tag) < kTagLimit ? tag : kMerging; }

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Timed {
 public:
  explicit Timed(Sent& sent) : sent_(sent), begin_(thread_seconds()) {}
  ~Timed() { sent_.cpu_seconds += thread_seconds() - begin_; }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  Sent& sent_;
  double begin_;
};

}  // namespace

CountingTransport::CountingTransport(Transport& inner)
    : Transport(inner.rank(), inner.size(), inner.host()), inner_(inner) {
  set_patience(inner.patience());
}

void CountingTransport::abort(base::ExitCode code) {
  inner_.abort(code);
  std::abort();  // not reached; the compiler does not believe it of a virtual call
}

void CountingTransport::count(std::size_t bytes, int to) {
  if (to == rank()) return;
  ++sent_.messages;
  sent_.bytes += bytes;
}

void CountingTransport::broadcast_bytes(std::span<std::byte> buffer, int root) {
  const auto at = [&](int place) { return (place + root) % size(); };  // the tree counts from the root
  const Binomial place((rank() - root + size()) % size(), size());
  if (place.parent() >= 0) receive_bytes(buffer, at(place.parent()), kCollective);
  place.for_children_largest_first([&](int child) { send_bytes(buffer, at(child), kCollective); });
}

void CountingTransport::all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) {
  all_gather_along_tree(mine, all);
}

void CountingTransport::gather_bytes(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts,
                                     std::span<std::byte> all, int root) {
  const auto senders =
      static_cast<std::size_t>(std::ranges::count_if(byte_counts, [](std::size_t bytes) { return bytes > 0; }));
  const bool sparse = is_sparse(senders, byte_counts.size());
  if (rank() != root) {
    if (!mine.empty() || !sparse) send_bytes(mine, root, kCollective);
    return;
  }
  std::size_t begin = 0;
  for (int from = 0; from < size(); ++from) {
    const auto place = all.subspan(begin, byte_counts[static_cast<std::size_t>(from)]);
    begin += place.size();
    if (from == root)
      std::ranges::copy(mine, place.begin());
    else if (!place.empty() || !sparse)
      receive_bytes(place, from, kCollective);
  }
}

void CountingTransport::send_bytes(std::span<const std::byte> bytes, int to, Tag tag) {
  const Timed timed(sent_);
  inner_.send(bytes, to, inner_tag(tag));
  count(bytes.size(), to);
}

void CountingTransport::receive_bytes(std::span<std::byte> bytes, int from, Tag tag) {
  const Timed timed(sent_);
  inner_.receive(bytes, from, inner_tag(tag));
}

void CountingTransport::post_bytes(std::vector<std::byte> bytes, int to, Tag tag) {
  const Timed timed(sent_);
  inner_.post(std::span<const std::byte>(bytes), to, inner_tag(tag));
  count(bytes.size(), to);
}

std::optional<int> CountingTransport::try_receive_any_bytes(std::span<std::byte>, Tag) {
  fail("messages are counted here, and receive_any cannot be; use the other transport for it");
}

void CountingTransport::flush_posted() {
  const Timed timed(sent_);
  inner_.flush();
}

void CountingTransport::barrier_all() {
  const Timed timed(sent_);
  inner_.barrier();
}

}  // namespace larimar::comm

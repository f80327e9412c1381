// Collectives as messages between two ranks, for every transport alike. Libraries differ in the algorithms of theirs (the
// non-blocking all-gather of Open MPI 4 sends size^2 messages); these are few, known, and end at a deadline one by one.
#include <algorithm>
#include <cstring>

#include "common/comm/binomial.h"
#include "common/comm/internal/collective_tags.h"
#include "common/comm/transport.h"

namespace larimar::comm {
namespace {

void copy(std::span<const std::byte> from, std::span<std::byte> to) {
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

Tag tag_of(Verb verb) {
  switch (verb) {
    case Verb::kBroadcast:
      return kBroadcastTag;
    case Verb::kAllGather:
      return kAllGatherTag;
    case Verb::kGather:
      return kGatherTag;
    default:
      return kMergeTag;
  }
}

}  // namespace

void Transport::count_sent(Verb verb, std::size_t bytes) {
  if (verb == Verb::kMessage) ++counted(verb).calls;
  ++counted(verb).messages_sent;
  counted(verb).bytes_sent += bytes;
}

void Transport::count_received(Verb verb, std::size_t bytes) {
  if (verb == Verb::kMessage) ++counted(verb).calls;
  ++counted(verb).messages_received;
  counted(verb).bytes_received += bytes;
}

Sent Transport::sent() const {
  Sent all;
  for (const Traffic& one : traffic_) {
    all.messages += one.messages_sent;
    all.bytes += one.bytes_sent;
  }
  return all;
}

void Transport::send_counted(std::span<const std::byte> bytes, int to, Tag tag, Verb verb) {
  send_bytes(bytes, to, tag);
  count_sent(verb, bytes.size());
}

void Transport::receive_counted(std::span<std::byte> bytes, int from, Tag tag, Verb verb) {
  const Incoming incoming{bytes, from};
  receive_all_bytes(std::span(&incoming, 1), tag);
  count_received(verb, bytes.size());
}

void Transport::broadcast_bytes(std::span<std::byte> buffer, int root, Verb verb) {
  const Binomial place((rank_ - root + size_) % size_, size_);
  const auto rank_at = [&](int position) { return (position + root) % size_; };
  if (place.parent() >= 0) receive_counted(buffer, rank_at(place.parent()), tag_of(verb), verb);
  // One after another: at once they would share the bandwidth, and the child with the most to pass on would get it last.
  place.for_children_largest_first([&](int child) { send_counted(buffer, rank_at(child), tag_of(verb), verb); });
}

void Transport::all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) {
  const Merging append{[&](int first, int last) { return static_cast<std::size_t>(last - first) * mine.size(); },
                       [](std::span<const std::byte> low, std::span<const std::byte> high) {
                         std::vector<std::byte> both(low.begin(), low.end());
                         both.insert(both.end(), high.begin(), high.end());
                         return both;
                       }};
  const auto joined = merge_bytes(std::vector<std::byte>(mine.begin(), mine.end()), append, Verb::kAllGather);
  if (rank_ == 0) copy(joined, all);
  broadcast_bytes(all, 0, Verb::kAllGather);
}

void Transport::gather_bytes(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts,
                             std::span<std::byte> all, int root) {
  if (rank_ != root) {
    if (!mine.empty()) send_counted(mine, root, kGatherTag, Verb::kGather);
    return;
  }
  std::vector<Incoming> incoming;
  std::size_t begin = 0;
  for (int r = 0; r < size_; ++r) {
    const auto place = all.subspan(begin, byte_counts[static_cast<std::size_t>(r)]);
    begin += place.size();
    if (r == rank_) copy(mine, place);
    if (r != rank_ && !place.empty()) incoming.push_back({place, r});
  }
  receive_all_bytes(incoming, kGatherTag);
  for (const Incoming& one : incoming) count_received(Verb::kGather, one.bytes.size());
}

std::vector<std::byte> Transport::merge_up(std::vector<std::byte> mine, const Merging& merging) {
  begin("merge_up");
  ++counted(Verb::kMerge).calls;
  if (mine.size() != merging.bytes(rank_, rank_ + 1)) {
    fail("merge_up was to bring " + std::to_string(merging.bytes(rank_, rank_ + 1)) + " bytes from here, but has " +
         std::to_string(mine.size()));
  }
  return merge_bytes(std::move(mine), merging, Verb::kMerge);
}

std::vector<std::byte> Transport::merge_bytes(std::vector<std::byte> mine, const Merging& merging, Verb verb) {
  const Binomial place(rank_, size_);
  std::vector<std::byte> theirs;
  place.for_children([&](int child) {
    theirs.resize(merging.bytes(child, Binomial(child, size_).end()));
    if (theirs.empty()) return;
    receive_counted(theirs, child, tag_of(verb), verb);
    if (mine.empty())
      mine.swap(theirs);
    else
      mine = merging.combine(mine, theirs);
  });
  if (place.parent() < 0) return mine;
  if (!mine.empty()) send_counted(mine, place.parent(), tag_of(verb), verb);
  return {};
}

}  // namespace larimar::comm

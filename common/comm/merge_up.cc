// Collectives along a binomial tree of messages between two ranks, for every transport alike.
#include <algorithm>
#include <cstring>

#include "common/comm/binomial.h"
#include "common/comm/transport.h"

namespace larimar::comm {
namespace {

constexpr Tag kMergeTag{kTagLimit + 2};  // users' tags end before it, and two are the MPI transport's own

}  // namespace

std::vector<std::byte> Transport::merge_up(std::vector<std::byte> mine, const Merging& merging) {
  begin("merge_up");
  const std::size_t expected = merging.bytes(rank_, rank_ + 1);
  if (mine.size() != expected) {
    fail("merge_up was to bring " + std::to_string(expected) + " bytes from here, but has " +
         std::to_string(mine.size()));
  }
  const Binomial place(rank_, size_);
  std::vector<std::byte> theirs;
  place.for_children([&](int child) {
    theirs.resize(merging.bytes(child, Binomial(child, size_).end()));
    if (theirs.empty()) return;
    receive_bytes(theirs, child, kMergeTag);
    if (mine.empty())
      mine.swap(theirs);
    else
      mine = merging.combine(mine, theirs);
  });
  if (place.parent() < 0) return mine;
  if (!mine.empty()) send_bytes(mine, place.parent(), kMergeTag);
  return {};
}

void Transport::all_gather_along_tree(std::span<const std::byte> mine, std::span<std::byte> all) {
  const Merging append{[&](int first, int last) { return static_cast<std::size_t>(last - first) * mine.size(); },
                       [](std::span<const std::byte> low, std::span<const std::byte> high) {
                         std::vector<std::byte> both(low.begin(), low.end());
                         both.insert(both.end(), high.begin(), high.end());
                         return both;
                       }};
  const auto joined = merge_up(std::vector<std::byte>(mine.begin(), mine.end()), append);
  if (rank_ == 0) std::ranges::copy(joined, all.begin());
  broadcast_bytes(all, 0);
}

}  // namespace larimar::comm

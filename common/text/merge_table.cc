#include "common/text/merge_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <queue>
#include <tuple>

namespace larimar::text {
namespace {

std::uint64_t pair_of(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(std::size_t expected) {
  const std::size_t size = std::bit_ceil(2 * expected + 2);
  entries_.resize(size);
  shift_ = 64 - std::countr_zero(size);
}

std::size_t MergeTable::slot_of(std::uint64_t pair) const {
  std::size_t slot = static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15U) >> shift_);
  while (entries_[slot].pair != pair && entries_[slot].pair != kFree) slot = (slot + 1) & (entries_.size() - 1);
  return slot;
}

void MergeTable::add(TokenId left, TokenId right, std::uint32_t rank, TokenId result) {
  const std::uint64_t pair = pair_of(left, right);
  entries_[slot_of(pair)] = {pair, rank, result};
}

const MergeTable::Entry& MergeTable::find(TokenId left, TokenId right) const {
  return entries_[slot_of(pair_of(left, right))];
}

void MergeTable::merge(std::span<TokenId> parts, std::vector<TokenId>& ids) const {
  if (parts.size() <= kShort)
    merge_short(parts, ids);
  else
    merge_long(parts, ids);
}

void MergeTable::merge_short(std::span<TokenId> parts, std::vector<TokenId>& ids) const {
  std::array<std::uint32_t, kShort> ranks;  // ranks[i] and results[i] join parts[i] and parts[i + 1]
  std::array<TokenId, kShort> results;
  std::size_t count = parts.size();
  const auto look_up = [&](std::size_t i) {
    const Entry& entry = find(parts[i], parts[i + 1]);
    ranks[i] = entry.rank;
    results[i] = entry.result;
  };
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == kNoRank) break;
    parts[best] = results[best];
    for (std::size_t i = best + 1; i + 1 < count; ++i) parts[i] = parts[i + 1];
    for (std::size_t i = best + 1; i + 2 < count; ++i) {
      ranks[i] = ranks[i + 1];
      results[i] = results[i + 1];
    }
    --count;
    if (best > 0) look_up(best - 1);
    if (best + 1 < count) look_up(best);
  }
  ids.insert(ids.end(), parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count));
}

void MergeTable::merge_long(std::span<const TokenId> parts, std::vector<TokenId>& ids) const {
  constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Node {
    TokenId id;
    std::uint32_t previous, next;
  };
  struct Candidate {
    std::uint32_t rank, left;
    TokenId left_id, right_id;
    bool operator>(const Candidate& other) const { return std::tie(rank, left) > std::tie(other.rank, other.left); }
  };
  const auto count = static_cast<std::uint32_t>(parts.size());
  std::vector<Node> nodes(count);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](std::uint32_t left) {
    if (left == kNone || nodes[left].next == kNone) return;
    const TokenId right_id = nodes[nodes[left].next].id;
    if (const Entry& entry = find(nodes[left].id, right_id); entry.pair != kFree)
      queue.push({entry.rank, left, nodes[left].id, right_id});
  };
  for (std::uint32_t i = 0; i < count; ++i)
    nodes[i] = {parts[i], i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1};
  for (std::uint32_t i = 0; i < count; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Node& left = nodes[best.left];
    if (left.id != best.left_id || left.next == kNone || nodes[left.next].id != best.right_id) continue;  // out of date
    Node& right = nodes[left.next];
    left.id = find(best.left_id, best.right_id).result;
    right.id = -1;
    left.next = right.next;
    if (right.next != kNone) nodes[right.next].previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
  for (std::uint32_t i = 0; i != kNone && i < count; i = nodes[i].next) ids.push_back(nodes[i].id);
}

}  // namespace larimar::text

#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larimar::comm {

/// What messages belong to. A barrier carries none that are counted.
enum class Verb : int { kBroadcast, kAllGather, kGather, kMerge, kMessage };
inline constexpr std::array<std::string_view, 5> kVerbNames = {"broadcast", "all_gather", "gather", "merge", "message"};

/// What one rank did for one verb since its transport was made. A message to oneself counts, a long one in pieces is one.
struct Traffic {
  std::uint64_t calls = 0;  // of the verb by its user; sends and receives with kMessage
  std::uint64_t messages_sent = 0, bytes_sent = 0;
  std::uint64_t messages_received = 0, bytes_received = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

/// Messages and their bytes, of all verbs.
struct Sent {
  std::uint64_t messages = 0, bytes = 0;
};

}  // namespace larimar::comm

#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "shard/block_encoder.h"

namespace larimar::shard {

/// Encoded blocks by content, for a process that ingests nearly the same context again and again, as an evaluation does.
/// Exact: a block's encoding depends on its bytes and the rules alone. Keys are 128-bit hashes (XXH3). Grows until dropped.
class BlockCache {
 public:
  /// Null if the block is not there. Valid while the cache lives. `rules` names what else decides an encoding.
  [[nodiscard]] std::shared_ptr<const EncodedBlock> find(std::string_view block, std::string_view rules) const;
  void insert(std::string_view block, std::string_view rules, std::shared_ptr<const EncodedBlock> encoded);
  [[nodiscard]] std::size_t size() const { return blocks_.size(); }

 private:
  struct Hash {
    std::uint64_t low = 0, high = 0;
    friend bool operator==(const Hash&, const Hash&) = default;
  };
  struct HashOf {
    std::size_t operator()(const Hash& hash) const noexcept { return hash.low; }
  };
  static Hash hash_of(std::string_view block, std::string_view rules);
  std::unordered_map<Hash, std::shared_ptr<const EncodedBlock>, HashOf> blocks_;
};

}  // namespace larimar::shard

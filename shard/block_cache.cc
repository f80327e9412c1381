#include "shard/block_cache.h"

#include <xxhash.h>

#include <string>
#include <utility>

namespace larimar::shard {

BlockCache::Hash BlockCache::hash_of(std::string_view block, std::string_view rules) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(block.data(), block.size(), XXH3_64bits(rules.data(), rules.size()));
  return {hash.low64, hash.high64};
}

std::shared_ptr<const EncodedBlock> BlockCache::find(std::string_view block, std::string_view rules) const {
  const auto found = blocks_.find(hash_of(block, rules));
  return found == blocks_.end() ? nullptr : found->second;
}

void BlockCache::insert(std::string_view block, std::string_view rules, std::shared_ptr<const EncodedBlock> encoded) {
  blocks_.insert_or_assign(hash_of(block, rules), std::move(encoded));
}

}  // namespace larimar::shard

#include "shard/block_cache.h"

#include <gtest/gtest.h>

namespace larimar::shard {
namespace {

std::shared_ptr<const EncodedBlock> block_of(std::uint64_t tokens) {
  EncodedBlock block;
  block.tokens = tokens;
  return std::make_shared<const EncodedBlock>(block);
}

TEST(BlockCache, FindsABlockByItsBytesAndItsRules) {
  BlockCache cache;
  EXPECT_EQ(cache.find("text", "segment"), nullptr);
  cache.insert("text", "segment", block_of(1));
  cache.insert("text", "prefix", block_of(2));
  cache.insert("text ", "segment", block_of(3));
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.find("text", "segment")->tokens, 1U);
  EXPECT_EQ(cache.find("text", "prefix")->tokens, 2U);
  EXPECT_EQ(cache.find("text ", "segment")->tokens, 3U);
  EXPECT_EQ(cache.find("tex", "segment"), nullptr);
  EXPECT_EQ(cache.find("text", ""), nullptr);
}

TEST(BlockCache, TheSameBlockIsKeptOnce) {
  BlockCache cache;
  cache.insert("text", "segment", block_of(1));
  cache.insert("text", "segment", block_of(4));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.find("text", "segment")->tokens, 4U);
}

}  // namespace
}  // namespace larimar::shard

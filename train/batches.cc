#include "train/batches.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "common/base/error.h"

namespace larimar::train {
namespace {

constexpr std::size_t kPoolSegments = 32768;

template <class T>
void shuffle(std::vector<T>& values, base::Random& random) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
}

void replace_pieces(std::vector<std::uint16_t>& tokens, const Alphabet& alphabet, base::Random& random) {
  const double rate = 0.05 + 0.6 * random.uniform();
  for (auto& token : tokens) {
    if (random.uniform() >= rate) continue;
    token = static_cast<std::uint16_t>(alphabet.first_piece + random.below(alphabet.vocabulary - alphabet.first_piece));
  }
}

void insert_run(std::vector<std::uint16_t>& tokens, std::size_t max_tokens, const std::vector<std::uint16_t>& from,
                std::size_t longest, base::Random& random) {
  const std::size_t length = 1 + random.below(std::min(longest, max_tokens));
  if (tokens.size() + length > max_tokens) tokens.resize(max_tokens - length);
  const auto at = static_cast<std::ptrdiff_t>(random.below(tokens.size() + 1));
  std::vector<std::uint16_t> run(length);
  for (auto& token : run) token = from[random.below(from.size())];
  tokens.insert(tokens.begin() + at, run.begin(), run.end());
}

}  // namespace

void corrupt(std::vector<std::uint16_t>& tokens, std::size_t max_tokens, const Alphabet& alphabet,
             const Corruption& shares, base::Random& random) {
  const double draw = random.uniform();
  if (draw < shares.pieces)
    replace_pieces(tokens, alphabet, random);
  else if (draw < shares.pieces + shares.digits)
    insert_run(tokens, max_tokens, alphabet.digits, 20, random);
  else if (draw < shares.pieces + shares.digits + shares.identifiers)
    insert_run(tokens, max_tokens, alphabet.characters, 40, random);
}

BatchStream::BatchStream(const SegmentFile& segments, std::uint64_t seed, std::size_t batch_tokens, std::size_t group,
                         StreamPosition start)
    : segments_(segments),
      seed_(seed),
      batch_tokens_(batch_tokens),
      group_(group),
      position_(start),
      order_(segments.size()) {
  if (segments.size() == 0) throw base::MissingInputError("the segment file is empty: nothing to learn from");
  shuffle_epoch();
  fill_pool();
}

void BatchStream::shuffle_epoch() {
  std::iota(order_.begin(), order_.end(), 0U);
  base::Random random(seed_ * 1000003 + position_.epoch);
  shuffle(order_, random);
}

void BatchStream::fill_pool() {
  if (position_.pool * kPoolSegments >= order_.size()) {
    position_ = {position_.epoch + 1, 0, 0};
    shuffle_epoch();
  }
  const std::size_t begin = position_.pool * kPoolSegments;
  const std::size_t end = std::min(begin + kPoolSegments, order_.size());
  std::map<std::size_t, std::vector<std::uint32_t>> classes;  // by padded length
  pool_.clear();
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t length = (segments_[order_[i]].size() + group_) / group_ * group_;  // size + 1, rounded up
    auto& members = classes[length];
    members.push_back(order_[i]);
    if (members.size() * length + length <= batch_tokens_) continue;
    pool_.push_back(std::move(members));
    members.clear();
  }
  if (pool_.empty()) {  // fewer segments than one batch: take the classes as they are
    for (auto& [length, members] : classes) pool_.push_back(std::move(members));
  }
  base::Random random(seed_ * 7919 + position_.epoch * 1000003 + position_.pool);
  shuffle(pool_, random);
}

std::vector<std::uint32_t> BatchStream::next() {
  if (position_.batch >= pool_.size()) {  // beyond it where batches have grown since `start`
    ++position_.pool;
    position_.batch = 0;
    fill_pool();
  }
  return pool_[position_.batch++];
}

}  // namespace larimar::train

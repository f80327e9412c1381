#pragma once
#include <cstdint>
#include <vector>

#include "common/base/random.h"
#include "train/segment_file.h"

namespace larimar::train {

/// Where a stream of batches stands; enough to go on after a restart.
struct StreamPosition {
  std::uint64_t epoch = 0;
  std::uint64_t pool = 0;   // within the epoch
  std::uint64_t batch = 0;  // within the pool
};

/// Batches of segment numbers, the same for the same seed and position. Segments are shuffled each epoch; those of a pool
/// are sorted into classes of equal padded length (end-of-text included, a multiple of `group`), each class is cut into
/// batches of batch_tokens / length segments, and the batches are shuffled. So a length always comes with one batch size:
/// kernels are prepared once for few shapes. Segments left over in a class are left out of that epoch. Keeps a reference.
class BatchStream {
 public:
  BatchStream(const SegmentFile& segments, std::uint64_t seed, std::size_t batch_tokens, std::size_t group,
              StreamPosition start);
  /// The batch at the position. One behind its pool, as `start` may be where it comes from smaller batches, is the next pool's first.
  [[nodiscard]] std::vector<std::uint32_t> next();
  [[nodiscard]] const StreamPosition& position() const { return position_; }

 private:
  void shuffle_epoch();
  void fill_pool();

  const SegmentFile& segments_;
  std::uint64_t seed_;
  std::size_t batch_tokens_, group_;
  StreamPosition position_;
  std::vector<std::uint32_t> order_;
  std::vector<std::vector<std::uint32_t>> pool_;
};

/// What corrupt() may do to a segment, as shares of the segments.
struct Corruption {
  double pieces = 0.15;       // some pieces become random ones
  double digits = 0.10;       // a run of random digits is put in
  double identifiers = 0.10;  // a run of random letters, digits and hyphens is put in
};

/// Random strings teach the decoder to trust the code and not the language. Works on token ids; the result has at most
/// max_tokens. `letters` and `digits` are the ids of the one-character pieces to draw from.
struct Alphabet {
  std::vector<std::uint16_t> digits;
  std::vector<std::uint16_t> characters;
  std::uint16_t first_piece = 3;  // ids below are special
  std::uint16_t vocabulary = 0;
};
void corrupt(std::vector<std::uint16_t>& tokens, std::size_t max_tokens, const Alphabet& alphabet,
             const Corruption& shares, base::Random& random);

}  // namespace larimar::train

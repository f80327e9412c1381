#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/comm/agree.h"
#include "common/comm/transport.h"
#include "train/tree_sum.h"

namespace larimar::train {

/// What a pass over some segments says; travels between ranks as it is. Counts are over real tokens and whole segments.
struct Tally {
  double loss = 0;  // this one's share of the mean over the batch
  std::int64_t tokens = 0, right_tokens = 0;
  std::int64_t segments = 0, exact_segments = 0;
  Tally& operator+=(const Tally& other);
};

/// As comm::together; alone, an error keeps its type. Calls: collective. Throws as together().
template <class Work>
auto do_together(comm::Transport& transport, Work&& work) -> std::invoke_result_t<Work> {
  if (transport.size() == 1) return std::invoke(std::forward<Work>(work));
  return comm::together(transport, std::forward<Work>(work));
}

/// The gradient of one batch that is cut into micro-batches, each learnt whole by one rank: rank r of R has run r of the even runs
/// of G. The sum over all is made in the order of TreeSum, so its bits depend on G and not on R. Borrows the transport; made anew
/// for each batch.
class SharedGradient {
 public:
  /// Shapes  a gradient has `length` floats. Throws ConfigError if a rank would have no micro-batch. Local.
  SharedGradient(comm::Transport& transport, std::size_t micro_batches, std::size_t length);

  /// Which micro-batches this rank learns.
  [[nodiscard]] Rows mine() const { return mine_; }
  /// Gives the gradient of the next of mine(), already weighted by its share of the batch. Local. Throws ShapeError.
  void add(std::span<const float> gradient, const Tally& tally);

  /// On rank 0 `update` gets the sum [length] and what all micro-batches say together; after it every rank knows that it went well.
  /// Calls   collective: one merge_up, one gather, one agreement.
  /// Throws  NumericalError on rank 0 alone, or AgreedError on every rank alike: a loss that is not finite (the text names the
  ///         micro-batch and its rank), or what update throws. ShapeError unless all of mine() were added.
  void finish(const std::function<void(std::span<const float> sum, const Tally& tally)>& update);

 private:
  comm::Transport& transport_;
  std::size_t micro_batches_, length_;
  Rows mine_;
  TreeSum sum_;
  std::vector<Tally> tallies_;  // of mine_
};

/// The end of a batch whose gradients are summed: on rank 0 `update` gets what all micro-batches say together, in their order.
/// Shapes  mine: of this rank's run of the even runs of `micro_batches`.
/// Calls   collective: one gather, one agreement. Throws as SharedGradient::finish.
void finish_batch(comm::Transport& transport, std::size_t micro_batches, const std::vector<Tally>& mine,
                  const std::function<void(const Tally&)>& update);

/// Throws ConfigError unless each of `ranks` has at least one of the micro-batches. Local.
void check_micro_batches(std::size_t micro_batches, int ranks);

}  // namespace larimar::train

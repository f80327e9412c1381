#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "common/linalg/gram.h"
#include "common/linalg/matrix.h"
#include "common/linalg/recursive.h"
#include "common/memory/addresser.h"
#include "common/memory/rules.h"

namespace larimar::shard {

/// Rows of the memory, [first, first + count).
struct SlotRange {
  linalg::Index first = 0;
  linalg::Index count = 0;
};

/// Least-squares write with `dense` or `gaussian` addressing: every segment has a weight at every slot, so slots hold mixtures.
///   local      M_s from this shard's segments; a read gives w M_s
///   global     M from the sums of all shards, solved by the coordinator and adopted here; a read gives this shard's rows'
///              part of w M, so that the parts add up to it
///   ben-cohen  local, M_s = pinv(W_s) Z_s by the fixed-step iteration
/// After the first solve, later segments come and go by recursive least squares where the ridge allows it (> 0).
/// Owns sums and memory; one thread at a time for writes.
class WeightedSolver {
 public:
  /// The addresser is dense or Gaussian (Error(kInternal) otherwise).
  WeightedSolver(std::shared_ptr<const memory::Addresser> addresser, linalg::Index code_size,
                 const memory::MemoryRules& rules);

  /// Shapes  keys [n, D], codes [n, C]: one equation each. Throws ShapeError; NumericalError naming the row.
  void add(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes);
  /// What add() took, taken out again. With global solving the coordinator must solve again afterwards.
  void remove(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes);

  /// Local and ben-cohen: M_s. Idempotent. Throws NumericalError (linalg::solve_write; a diverging iteration).
  void solve();
  /// Global: M [K, C] of all shards; this shard answers for the rows of `mine`.
  /// Throws ShapeError if the shape is another or the range leaves it.
  void adopt(const linalg::Matrix& memory, SlotRange mine);
  [[nodiscard]] bool is_solved() const { return solved_; }

  [[nodiscard]] const linalg::GramStatistics& statistics() const;
  /// This shard's part of w M. Shapes keys [q, D], returns [q, C]; zero where nothing is written. Precondition: is_solved().
  [[nodiscard]] linalg::Matrix read(linalg::ConstMatrixRef keys) const;

 private:
  void hold(const linalg::MatrixF64& memory);
  void change(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes, bool add);
  [[nodiscard]] linalg::Matrix solve_ben_cohen() const;
  void set_memory(const linalg::Matrix& memory, SlotRange mine);

  std::shared_ptr<const memory::Addresser> addresser_;
  memory::MemoryRules rules_;
  linalg::GramStatistics statistics_;
  std::optional<linalg::RecursiveMemory> recursive_;  // takes the statistics' place once there is a solved memory
  linalg::Matrix weights_, codes_;                    // ben-cohen: W [n, K] and Z [n, C]
  linalg::Matrix memory_;                             // this shard's rows of M [mine, C]
  linalg::Matrix inverse_;                            // the columns of M^+ [D, mine]; read weights by memory only
  SlotRange mine_;
  bool solved_ = true;
};

}  // namespace larimar::shard

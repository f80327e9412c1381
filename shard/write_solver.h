#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/linalg/least_squares.h"
#include "common/linalg/matrix.h"
#include "common/memory/addresser.h"

namespace larimar::shard {

/// Local least-squares write with `codebook` addressing: a write key selects its nearest row, and each row's slot becomes
/// the mean of the codes written to it. Slots exist for rows in use only, in the order of first use, so an unused
/// part of a large codebook costs four bytes a row.
/// The ridge is not applied here: it belongs to the whole problem and would count once per shard (see aggregator.h).
/// Owns the sums, shares the codebook; one thread at a time for writes.
class WriteSolver {
 public:
  /// The addresser is one-hot (Error(kInternal) otherwise).
  WriteSolver(std::shared_ptr<const memory::Addresser> addresser, linalg::Index code_size);

  /// One equation per key: key i writes codes row owner[i]. Inputs are checked by ShardMemory.
  /// Returns the codebook row of each key.
  std::vector<std::uint32_t> add(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes,
                                 std::span<const std::uint32_t> owner);
  /// Takes out what add() took. Precondition: every key was added with this code.
  void remove(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes, std::span<const std::uint32_t> owner);
  /// The minimiser for all that was added. Idempotent. Throws as linalg::solve_write.
  void solve();
  [[nodiscard]] bool is_solved() const { return solved_; }

  /// Slot of a codebook row, if something was written to it.
  [[nodiscard]] std::optional<std::size_t> slot_of(std::uint32_t row) const;
  [[nodiscard]] std::size_t slots() const { return writer_.slots(); }
  [[nodiscard]] std::uint64_t count(std::size_t slot) const { return writer_.count(slot); }
  /// Row of M for a slot, valid until the next solve(). Preconditions: is_solved(), slot < slots().
  [[nodiscard]] std::span<const float> memory(std::size_t slot) const;

 private:
  std::shared_ptr<const memory::Addresser> addresser_;
  linalg::OneHotWriter writer_;
  std::vector<std::uint32_t> slot_of_row_;  // [rows], kUnused where nothing was written
  linalg::Matrix memory_;                   // M [slots, code size]
  bool solved_ = true;
};

}  // namespace larimar::shard

#pragma once
#include <cstddef>

#include "common/linalg/matrix.h"
#include "common/memory/addresser.h"
#include "common/memory/rules.h"

namespace larimar::coordinator {

/// Reads that are written together to one memory of the next level. Far below K, so that the write stays exact.
inline constexpr linalg::Index kReadsPerLevel = 16;

/// Long input by levels (2403.11901): the chunks' reads are written to a memory of the next level, at the weights that they
/// have as keys themselves, and this memory is read by the query; groups of at most kReadsPerLevel, until one read is left.
/// Shapes  chunk_reads [n, C] in ShardId order, key [1, D = C], dense or Gaussian addresser of the chunks. Returns [1, C].
/// Empty   n = 0 gives zero; n = 1 gives that read itself, since there is nothing to combine.
/// Calls   local. Throws NumericalError as linalg::solve_write, or if the ben-cohen iteration diverges.
/// Cost    a write and a read of K slots for each group: n / kReadsPerLevel and a few of them.
[[nodiscard]] linalg::RowVector read_hierarchical(const linalg::Matrix& chunk_reads, linalg::ConstMatrixRef key,
                                                  const memory::Addresser& addresser, const memory::MemoryRules& rules);

}  // namespace larimar::coordinator

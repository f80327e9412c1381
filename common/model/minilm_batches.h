#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace larimar::model {

/// Positions of sequences in the order of their lengths (equal ones as they stand), cut into batches of at most max_tokens
/// tokens; a longer sequence is a batch alone. The same lengths give the same batches. No batch is empty.
[[nodiscard]] std::vector<std::vector<std::size_t>> plan_batches(std::span<const std::size_t> lengths,
                                                                 std::size_t max_tokens);

}  // namespace larimar::model

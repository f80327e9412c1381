#pragma once
// What a language model reads and says in the rows of a batch. LibTorch types.
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "train/adapted_network.h"
#include "train/questions.h"

namespace larimar::train {

struct SaidRow {
  std::vector<torch::Tensor> read;  // embeddings [columns, hidden], one behind the other, at least one
  const Saying* saying = nullptr;   // behind them; borrowed
};

/// Rows padded on the right, which no column that counts can see; and every token of the sayings but the first of each, with the column
/// that foretells it.
struct SaidBatch {
  torch::Tensor input;                 // [rows, columns, hidden]
  torch::Tensor columns;               // [n] int64, in input's rows laid end to end
  torch::Tensor targets;               // [n] int64
  torch::Tensor said;                  // [n] bool: the token belongs to what is said, not to what is read
  std::vector<std::int64_t> row_ends;  // of each row, where its tokens end among the n
};

/// Local.
[[nodiscard]] SaidBatch lay_out(const AdaptedNetwork& language, std::span<const SaidRow> rows);

/// The language model's scores of the next token at `batch.columns`: [n, vocabulary].
[[nodiscard]] torch::Tensor scores_of(AdaptedNetwork& language, const SaidBatch& batch, bool adapted = true);

}  // namespace larimar::train

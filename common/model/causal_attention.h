#pragma once
// Causal attention over a cache, without a mask of tokens times tokens. LibTorch types.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace larimar::model {

/// Attention of one pass: `tokens` new columns that stand behind `past` others. One object serves all layers of the
/// pass and keeps the mask that it made last. Not thread-safe.
class CausalAttention {
 public:
  struct Pass {
    std::int64_t past = 0, tokens = 0;
    std::int64_t window = 0;            // 0: all before
    std::vector<std::int64_t> padding;  // columns at the left of each row that nobody sees; empty: none
  };
  CausalAttention(Pass pass, const at::TensorOptions& options);

  /// queries [rows, tokens, heads, size]; keys, values [rows, kv_heads, past + tokens, size]. Returns [rows * tokens, heads * size].
  /// Several heads share a key head without copies of it. Columns of padding get values of no meaning, but finite.
  /// Cost  of scores: at most kBlock more columns a query than it sees.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values);

 private:
  static constexpr std::int64_t kBlock = 512;  // queries of a mask
  [[nodiscard]] at::Tensor one_token(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values);
  /// [1 or rows, 1, count, end - begin] bool for queries `first` ... first + count - 1 of the pass.
  [[nodiscard]] at::Tensor mask(std::int64_t first, std::int64_t count, std::int64_t begin, std::int64_t end);

  Pass pass_;
  at::TensorOptions options_;
  at::Tensor padding_;  // [rows, 1, 1, 1] int64, undefined without padding
  at::Tensor mask_;
  std::vector<std::int64_t> mask_key_;
};

}  // namespace larimar::model

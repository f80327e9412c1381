#pragma once
// The decoder of larimar-compact position by position. LibTorch types.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "common/model/compact_network.h"
#include "common/model/projection.h"

namespace larimar::model {

/// CompactDecoderImpl without gradients: linear layers are prepared once, and keys and values of later positions go where room was
/// made for them at the start. The same sums, but for their order. Callers hold an inference guard. Not thread-safe.
class CompactStepper {
 public:
  /// Borrows nothing: the network's small tensors are shared with it.
  explicit CompactStepper(const CompactDecoder& network);

  /// Texts that are decoded side by side.
  struct Texts {
    at::Tensor codes;             // [B, m, c]
    std::vector<PastState> past;  // [layers], with room for all positions
    std::int64_t position = 0;    // the next one
  };
  /// Shapes  codes [B, C] on the network's device.
  [[nodiscard]] Texts begin(const at::Tensor& codes) const;
  /// Scores of the pieces at the next position [B, vocabulary], for the pieces before it [B] int64.
  [[nodiscard]] at::Tensor step(Texts& texts, const at::Tensor& pieces) const;
  /// Of these rows alone, [n] int64.
  static void keep(Texts& texts, const at::Tensor& rows);

 private:
  struct Linears {
    Projection qkv, attention_out, mlp_in, mlp_out;
  };
  [[nodiscard]] at::Tensor attend(std::size_t layer, const at::Tensor& x, Texts& texts) const;

  CompactDecoder network_;
  std::vector<Linears> linears_;  // [layers]
  Projection to_embedding_, head_;
};

}  // namespace larimar::model

#include "common/model/causal_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/model/torch_bridge.h"

namespace larimar::model {

CausalAttention::CausalAttention(Pass pass, const at::TensorOptions& options)
    : pass_(std::move(pass)), options_(options) {
  const auto& counts = pass_.padding;
  if (std::any_of(counts.begin(), counts.end(), [](std::int64_t count) { return count > 0; }))
    padding_ = to_tensor(std::span(counts)).to(options_.device()).view({-1, 1, 1, 1});
}

at::Tensor CausalAttention::mask(std::int64_t first, std::int64_t count, std::int64_t begin, std::int64_t end) {
  // Without padding a mask depends on differences alone: in a window all blocks but the first share one.
  const std::int64_t query = pass_.past + first;
  std::vector<std::int64_t> key{query - begin, count, end - begin, padding_.defined() ? begin : 0};
  if (mask_.defined() && key == mask_key_) return mask_;
  const auto integers = options_.dtype(at::kLong);
  const at::Tensor queries = at::arange(query, query + count, integers).view({1, 1, count, 1});
  const at::Tensor columns = at::arange(begin, end, integers).view({1, 1, 1, end - begin});
  at::Tensor seen = columns <= queries;
  if (pass_.window > 0) seen = seen.logical_and(columns > queries - pass_.window);
  // A column of padding sees itself: a softmax over nothing would give NaN.
  if (padding_.defined()) seen = seen.logical_and(columns >= padding_).logical_or(columns == queries);
  mask_ = seen;
  mask_key_ = std::move(key);
  return mask_;
}

at::Tensor CausalAttention::one_token(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  const std::int64_t rows = queries.size(0), kv_heads = keys.size(1), size = queries.size(3);
  const std::int64_t end = pass_.past + 1;
  const std::int64_t begin = pass_.window > 0 ? std::max<std::int64_t>(0, end - pass_.window) : 0;
  // Heads that share keys take the place of several queries, for with one token there is no order among queries.
  const at::Tensor grouped = queries.view({rows, kv_heads, queries.size(2) / kv_heads, size});
  std::optional<at::Tensor> unseen;
  if (padding_.defined()) unseen = mask(0, 1, begin, end);
  const at::Tensor mixed = at::scaled_dot_product_attention(grouped, keys.narrow(2, begin, end - begin),
                                                            values.narrow(2, begin, end - begin), unseen);
  return mixed.reshape({rows, queries.size(2) * size});
}

at::Tensor CausalAttention::operator()(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  if (pass_.tokens == 1) return one_token(queries, keys, values);
  const std::int64_t rows = queries.size(0), tokens = pass_.tokens, kv_heads = keys.size(1), size = queries.size(3);
  const std::int64_t group = queries.size(2) / kv_heads;
  at::Tensor out = at::empty({rows, tokens, kv_heads, group, size}, queries.options());
  const at::Tensor grouped = queries.view({rows, tokens, kv_heads, group, size}).permute({0, 2, 3, 1, 4});
  const bool is_plain = pass_.past == 0 && !padding_.defined() && (pass_.window == 0 || tokens <= pass_.window);
  const std::int64_t step = is_plain ? tokens : kBlock;
  for (std::int64_t first = 0; first < tokens; first += step) {
    const std::int64_t count = std::min(step, tokens - first), end = pass_.past + first + count;
    const std::int64_t begin = pass_.window > 0 ? std::max<std::int64_t>(0, pass_.past + first + 1 - pass_.window) : 0;
    std::optional<at::Tensor> seen;
    if (!is_plain) seen = mask(first, count, begin, end);
    for (std::int64_t member = 0; member < group; ++member) {
      const at::Tensor mixed = at::scaled_dot_product_attention(
          grouped.select(2, member).narrow(2, first, count), keys.narrow(2, begin, end - begin),
          values.narrow(2, begin, end - begin), seen, 0.0, is_plain);
      out.narrow(1, first, count).select(3, member).copy_(mixed.transpose(1, 2));
    }
  }
  return out.view({rows * tokens, kv_heads * group * size});
}

}  // namespace larimar::model

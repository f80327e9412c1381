#include "common/model/kv_cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "common/base/contracts.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

constexpr std::int64_t kChunk = 256;  // columns; keeps copies rare and waste small

std::int64_t rounded(std::int64_t columns) { return (columns + kChunk - 1) / kChunk * kChunk; }

}  // namespace

void KvCache::reset(std::vector<std::int64_t> padding, std::int64_t columns) {
  const bool is_same = padding.size() == padding_.size() && capacity_ >= columns;
  padding_ = std::move(padding);
  columns_ = 0;
  if (is_same) return;
  capacity_ = rounded(columns);
  for (Layer& layer : layers_) {
    layer = {};
    layer.keys = at::empty({rows(), sizes_.heads, capacity_, sizes_.head_size}, options_);
    layer.values = at::empty_like(layer.keys);
  }
}

bool KvCache::has_padding() const {
  return std::any_of(padding_.begin(), padding_.end(), [](std::int64_t count) { return count > 0; });
}

void KvCache::reserve(std::int64_t count) {
  if (columns_ + count <= capacity_) return;
  capacity_ = rounded(std::max(columns_ + count, columns_ + columns_ / 2));
  for (Layer& layer : layers_) {
    for (at::Tensor* part : {&layer.keys, &layer.values}) {
      at::Tensor larger = at::empty({rows(), sizes_.heads, capacity_, sizes_.head_size}, options_);
      larger.narrow(2, 0, columns_).copy_(part->narrow(2, 0, columns_));
      *part = std::move(larger);
    }
  }
}

void KvCache::append(std::int64_t layer, const at::Tensor& keys, const at::Tensor& values) {
  LARIMAR_EXPECT(columns_ + keys.size(1) <= capacity_);
  Layer& target = layers_[static_cast<std::size_t>(layer)];
  target.keys.narrow(2, columns_, keys.size(1)).copy_(keys.transpose(1, 2));
  target.values.narrow(2, columns_, values.size(1)).copy_(values.transpose(1, 2));
}

at::Tensor KvCache::keys(std::int64_t layer, std::int64_t end) const {
  return layers_[static_cast<std::size_t>(layer)].keys.narrow(2, 0, end);
}

at::Tensor KvCache::values(std::int64_t layer, std::int64_t end) const {
  return layers_[static_cast<std::size_t>(layer)].values.narrow(2, 0, end);
}

void KvCache::select(std::span<const std::int64_t> rows) {
  const at::Tensor index = to_tensor(rows).to(options_.device());
  std::vector<std::int64_t> padding;
  for (const std::int64_t row : rows) padding.push_back(padding_[static_cast<std::size_t>(row)]);
  padding_ = std::move(padding);
  for (Layer& layer : layers_) {
    for (at::Tensor* part : {&layer.keys, &layer.values}) {
      at::Tensor chosen =
          at::empty({static_cast<std::int64_t>(rows.size()), sizes_.heads, capacity_, sizes_.head_size}, options_);
      // Room behind the columns is not copied.
      chosen.narrow(2, 0, columns_).copy_(at::index_select(part->narrow(2, 0, columns_), 0, index));
      *part = std::move(chosen);
    }
  }
}

}  // namespace larimar::model

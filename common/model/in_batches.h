#pragma once
// LibTorch types: included by common/model and decoder only.
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace larimar::model {

/// Whether the device has no memory for something: LibTorch's own error, or what cuBLAS and cuDNN say in one of another type.
[[nodiscard]] bool is_out_of_memory(const c10::Error& error);

/// Says that fewer go at once from now on; where it was one alone, throws ConfigError (exit 78) with what to lower. Local.
void take_fewer(const char* what, std::int64_t count, const c10::Error& error);

/// Runs work(first, count) over `total` rows, at most `batch` at once. Where the device has no memory for so many, half as many are
/// tried, down to one, and `batch` stays that low. `work` is called again for the same rows: what it did before it threw must not
/// count. `what`: "codes to decode". Local. Throws what work throws, and ConfigError where memory does not suffice for one row.
template <class Work>
void in_batches(std::int64_t total, std::int64_t& batch, const char* what, Work&& work) {
  for (std::int64_t first = 0; first < total;) {
    const std::int64_t count = std::min(batch, total - first);
    try {
      work(first, count);
      first += count;
    } catch (const c10::Error& error) {
      if (!is_out_of_memory(error)) throw;
      take_fewer(what, count, error);
      batch = (count + 1) / 2;
    }
  }
}

/// The same for rows that go at once if they can.
template <class Work>
void at_once(std::int64_t total, const char* what, Work&& work) {
  std::int64_t batch = total;
  in_batches(total, batch, what, std::forward<Work>(work));
}

}  // namespace larimar::model

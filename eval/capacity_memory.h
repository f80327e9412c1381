#pragma once
// The memories that the capacity study compares, in one process and behind one interface. Their parts are those of the shards
// (common/linalg, common/memory); only what messages and places in documents need is left out.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/memory/addresser.h"

namespace larimar::eval {

enum class MemoryKind {
  kDense,     // w = key M0^+, exact least squares
  kBenCohen,  // the same with the 15-step iteration for both pseudo-inverses
  kGaussian,  // Gaussian weights over the rows of a codebook, exact least squares
  kNearest,   // one-hot: the nearest row of a codebook
  kTopK,      // written as nearest, read as softmax over the four nearest rows
  kStored,    // the write keys themselves: a slot for each fact
};

/// Each once, in the order of the reports.
[[nodiscard]] std::span<const MemoryKind> all_memory_kinds();
[[nodiscard]] std::string_view name_of(MemoryKind kind);  // "dense", "dense-ben-cohen", ...

/// Dense addressing takes keys as they are, as the reference does; the others take them at length 1, as this program makes them.
[[nodiscard]] bool takes_unit_keys(MemoryKind kind);

/// Random rows [slots, D] for a key memory M0: each component normal, with the mean and deviation that it has over the keys [n, D].
[[nodiscard]] linalg::Matrix draw_key_memory(linalg::ConstMatrixRef keys, linalg::Index slots, std::uint64_t seed);

/// Keys as one kind of memory addresses by them, made once for all cells with this key memory. Owns everything; immutable.
class AddressedKeys {
 public:
  /// Shapes  keys [n, D] and, but for kStored, the addresser's [K, D]. `addresser` may be null for kStored only.
  /// Throws  as memory::Addresser.
  AddressedKeys(MemoryKind kind, const memory::Addresser* addresser, linalg::Matrix keys);

  [[nodiscard]] MemoryKind kind() const { return kind_; }
  [[nodiscard]] linalg::Index size() const { return keys_.rows(); }
  [[nodiscard]] linalg::Index slots() const { return slots_; }                        // K; 0 with kStored
  [[nodiscard]] const linalg::Matrix& keys() const { return keys_; }                  // [n, D]
  [[nodiscard]] const linalg::Matrix& weights() const { return weights_; }            // [n, K]; not one-hot
  [[nodiscard]] const std::vector<std::uint32_t>& rows() const { return top_.rows; }  // [n, top], best first
  [[nodiscard]] const std::vector<float>& scores() const { return top_.scores; }      // [n, top]
  [[nodiscard]] std::size_t top() const { return top_count_; }  // rows read for a key: 1, or 4 with kTopK

 private:
  MemoryKind kind_;
  linalg::Matrix keys_;
  linalg::Matrix weights_{};
  memory::Addresser::TopRows top_{};
  linalg::Index slots_ = 0;
  std::size_t top_count_ = 1;
};

/// The key memory of a kind over K rows, with its pseudo-inverse where the kind has one. kStored has none.
/// Throws NumericalError if the fixed-step iteration diverges (kBenCohen).
[[nodiscard]] memory::Addresser make_addresser(MemoryKind kind, linalg::Matrix key_memory);

/// A memory that holds the first N facts. One thread at a time.
class FactMemory {
 public:
  virtual ~FactMemory() = default;
  /// z_read [which, C] for some of the keys of `keys`, which must be of the memory's kind and key memory.
  [[nodiscard]] virtual linalg::Matrix read(const AddressedKeys& keys, std::span<const linalg::Index> which) const = 0;
  /// Facts leave, each of them written and not yet forgotten.
  virtual void forget(std::span<const linalg::Index> facts) = 0;
  /// Does once what forgetting in copies would otherwise do in each.
  virtual void prepare_to_forget() {}
  /// Whether a forget costs as much as a write.
  [[nodiscard]] virtual bool forgets_by_writing_anew() const { return false; }
  [[nodiscard]] virtual std::unique_ptr<FactMemory> copy() const = 0;
};

/// Writes the codes [N, C] under the first N keys. `written` and `codes` must outlive the memory and its copies.
/// Calls   local. Throws NumericalError if the fixed-step iteration diverges.
[[nodiscard]] std::unique_ptr<FactMemory> write_facts(const AddressedKeys& written, linalg::ConstMatrixRef codes);

}  // namespace larimar::eval

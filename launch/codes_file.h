#pragma once
// Codes and keys that some other program made, as safetensors: in for `ingest --codes` and `ask --keys`, out for `ask --out`.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/safetensors.h"

namespace larimar::launch {

/// Tensors z F32 [N, C], keys F32 [N, D] (absent: the codes are the keys), ids I64 or U64 [N] (absent: 0 ... N - 1).
/// Owns the mapped file; immutable.
class CodesFile {
 public:
  /// Throws MissingInputError; FormatError naming the tensor, its shape and what was expected, or an id that comes twice or
  ///         is negative.
  explicit CodesFile(const std::filesystem::path& path);

  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] std::size_t code_size() const { return code_size_; }
  [[nodiscard]] std::size_t key_size() const { return key_size_; }
  [[nodiscard]] const std::vector<std::uint64_t>& ids() const { return ids_; }
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

  /// Rows [first, first + count), copied. Precondition: within size().
  [[nodiscard]] linalg::Matrix codes(std::size_t first, std::size_t count) const;
  [[nodiscard]] linalg::Matrix keys(std::size_t first, std::size_t count) const;
  /// Throws FormatError naming tensor and row for NaN or infinity in these rows.
  void check_rows(std::size_t first, std::size_t count) const;

 private:
  model::SafetensorsFile file_;
  std::size_t code_size_ = 0, key_size_ = 0;
  std::vector<std::uint64_t> ids_;
};

/// The tensor `keys` F32 [Q, D] of a file. Throws as CodesFile; ShapeError if D is not `key_size`; FormatError naming the row of NaN
/// or infinity.
[[nodiscard]] linalg::Matrix read_query_keys(const std::filesystem::path& path, std::size_t key_size);

/// What `ask --keys` found for each query.
struct FoundCodes {
  linalg::Matrix z;          // [Q, C] z_read
  std::vector<float> score;  // [Q] similarity of the best write key; -infinity where the memory is empty
  std::vector<std::int64_t>
      slot;  // [Q] slot read: in its shard, or the codebook's row; -1 where weights span all slots
  std::vector<std::int64_t> shard;  // [Q] of the best segment; -1 where there is none
  std::vector<std::int64_t> id;     // [Q] of the best segment; -1 where there is none
};
/// Tensors z, score, slot, shard, id; complete or not at all. Throws as model::write_safetensors.
void write_found_codes(const std::filesystem::path& path, const FoundCodes& found);

}  // namespace larimar::launch

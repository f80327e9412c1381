#include "launch/codes_file.h"

#include <cstring>
#include <limits>
#include <unordered_set>

#include "common/base/error.h"
#include "common/linalg/finite.h"

namespace larimar::launch {
namespace {

using linalg::Index;
using linalg::Matrix;

std::string shape_text(const model::TensorView& tensor) {
  std::string text;
  for (const std::uint64_t extent : tensor.shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return tensor.dtype + " [" + text + "]";
}

const model::TensorView& matrix_of(const model::SafetensorsFile& file, const std::string& name) {
  const model::TensorView& tensor = file.at(name);
  if (tensor.dtype == "F32" && tensor.shape.size() == 2 && tensor.shape[1] > 0) return tensor;
  throw base::FormatError(file.path().string() + ": tensor \"" + name + "\" is " + shape_text(tensor) +
                          " but must be F32 with two dimensions, a row for each segment");
}

Matrix rows_of(const model::TensorView& tensor, std::size_t first, std::size_t count) {
  const auto width = static_cast<std::size_t>(tensor.shape[1]);
  Matrix rows(static_cast<Index>(count), static_cast<Index>(width));
  const std::size_t bytes = width * sizeof(float);
  if (count > 0) std::memcpy(rows.data(), tensor.bytes.data() + first * bytes, count * bytes);
  return rows;
}

void check_same_rows(const model::SafetensorsFile& file, const std::string& name, const model::TensorView& tensor,
                     std::uint64_t rows) {
  if (!tensor.shape.empty() && tensor.shape[0] == rows) return;
  throw base::FormatError(file.path().string() + ": tensor \"" + name + "\" is " + shape_text(tensor) +
                          " but \"z\" has " + std::to_string(rows) + " rows; each segment needs both");
}

std::vector<std::uint64_t> read_ids(const model::SafetensorsFile& file, std::uint64_t rows) {
  std::vector<std::uint64_t> ids(rows);
  const auto found = file.tensors().find("ids");
  if (found == file.tensors().end()) {
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
    return ids;
  }
  const model::TensorView& tensor = found->second;
  const bool whole = tensor.dtype == "I64" || tensor.dtype == "U64";
  if (!whole || tensor.shape.size() != 1) {
    throw base::FormatError(file.path().string() + ": tensor \"ids\" is " + shape_text(tensor) +
                            " but must be I64 or U64 with one dimension");
  }
  check_same_rows(file, "ids", tensor, rows);
  if (rows > 0) std::memcpy(ids.data(), tensor.bytes.data(), rows * sizeof(std::uint64_t));
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string row = file.path().string() + ": \"ids\" row " + std::to_string(i) + " is ";
    if (ids[i] > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      throw base::FormatError(row + "negative or above 2^63 - 1; ids are whole numbers from 0");
    if (!seen.insert(ids[i]).second)
      throw base::FormatError(row + std::to_string(ids[i]) + ", which came before; each segment has its own id");
  }
  return ids;
}

void check_finite_rows(const model::TensorView& tensor, const std::string& name, const std::filesystem::path& path,
                       std::size_t first, std::size_t count) {
  const Matrix rows = rows_of(tensor, first, count);
  for (Index row = 0; row < rows.rows(); ++row) {
    if (rows.row(row).allFinite()) continue;
    throw base::FormatError(path.string() + ": tensor \"" + name + "\" row " +
                            std::to_string(first + static_cast<std::size_t>(row)) +
                            " has a component that is NaN or infinite");
  }
}

}  // namespace

CodesFile::CodesFile(const std::filesystem::path& path) : file_(path) {
  const model::TensorView& z = matrix_of(file_, "z");
  code_size_ = key_size_ = static_cast<std::size_t>(z.shape[1]);
  if (file_.tensors().contains("keys")) {
    const model::TensorView& keys = matrix_of(file_, "keys");
    check_same_rows(file_, "keys", keys, z.shape[0]);
    key_size_ = static_cast<std::size_t>(keys.shape[1]);
  }
  ids_ = read_ids(file_, z.shape[0]);
}

Matrix CodesFile::codes(std::size_t first, std::size_t count) const { return rows_of(file_.at("z"), first, count); }

Matrix CodesFile::keys(std::size_t first, std::size_t count) const {
  return rows_of(file_.at(file_.tensors().contains("keys") ? "keys" : "z"), first, count);
}

void CodesFile::check_rows(std::size_t first, std::size_t count) const {
  check_finite_rows(file_.at("z"), "z", path(), first, count);
  if (file_.tensors().contains("keys")) check_finite_rows(file_.at("keys"), "keys", path(), first, count);
}

Matrix read_query_keys(const std::filesystem::path& path, std::size_t key_size) {
  const model::SafetensorsFile file(path);
  const model::TensorView& tensor = matrix_of(file, "keys");
  if (tensor.shape[1] != key_size) {
    throw base::ShapeError(path.string() + ": tensor \"keys\" is " + shape_text(tensor) +
                           " but this memory's keys have " + std::to_string(key_size) + " components");
  }
  const auto count = static_cast<std::size_t>(tensor.shape[0]);
  check_finite_rows(tensor, "keys", path, 0, count);
  return rows_of(tensor, 0, count);
}

void write_found_codes(const std::filesystem::path& path, const FoundCodes& found) {
  const auto rows = static_cast<std::uint64_t>(found.score.size());
  const auto view = [rows](const auto& values, const char* dtype) {
    return model::TensorView{dtype, {rows}, std::as_bytes(std::span(values))};
  };
  const std::span<const float> z(found.z.data(), static_cast<std::size_t>(found.z.size()));
  model::write_safetensors(path,
                           {{"z", {"F32", {rows, static_cast<std::uint64_t>(found.z.cols())}, std::as_bytes(z)}},
                            {"score", view(found.score, "F32")},
                            {"slot", view(found.slot, "I64")},
                            {"shard", view(found.shard, "I64")},
                            {"id", view(found.id, "I64")}},
                           {});
}

}  // namespace larimar::launch

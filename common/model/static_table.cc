#include "common/model/static_table.h"

#include <Eigen/Dense>
#include <cmath>
#include <cstring>
#include <utility>

#include "common/base/error.h"

namespace larimar::model {
namespace {

constexpr const char* kFormat = "larimar static keys 2";
constexpr const char* kVectors = "vectors";
constexpr const char* kScales = "scales";
constexpr float kLevels = 127;

using Doubles = Eigen::MatrixXd;

/// Share of each piece in all text: [V], sum 1.
Eigen::VectorXd shares_of(std::span<const std::uint64_t> counts) {
  Eigen::VectorXd shares(static_cast<linalg::Index>(counts.size()));
  for (std::size_t i = 0; i < counts.size(); ++i)
    shares[static_cast<linalg::Index>(i)] = static_cast<double>(counts[i]);
  const double all = shares.sum();
  if (!(all > 0)) throw base::ConfigError("static keys need pieces that were counted, and all counts are zero");
  return shares / all;
}

/// The D directions of most variance, as columns, each with its greatest component positive.
Doubles main_directions(const Doubles& centred, const Eigen::VectorXd& weights, linalg::Index size) {
  const Doubles variance = centred.transpose() * weights.asDiagonal() * centred;
  const Eigen::SelfAdjointEigenSolver<Doubles> solver(variance);
  if (solver.info() != Eigen::Success)
    throw base::NumericalError("the directions of the pieces' keys cannot be found; are the weights damaged?");
  Doubles directions = solver.eigenvectors().rightCols(size).rowwise().reverse();
  for (linalg::Index i = 0; i < size; ++i) {
    linalg::Index greatest = 0;
    directions.col(i).cwiseAbs().maxCoeff(&greatest);
    if (directions(greatest, i) < 0) directions.col(i) *= -1.0;
  }
  return directions;
}

}  // namespace

linalg::Matrix make_static_vectors(linalg::ConstMatrixRef pieces, std::span<const std::uint64_t> counts,
                                   const StaticTableOptions& options) {
  if (static_cast<std::size_t>(pieces.rows()) != counts.size())
    throw base::ShapeError("there are keys of " + std::to_string(pieces.rows()) + " pieces and counts of " +
                           std::to_string(counts.size()));
  if (options.size < 1 || options.size > pieces.cols())
    throw base::ShapeError("static keys of " + std::to_string(options.size) +
                           " components cannot be made from keys of " + std::to_string(pieces.cols()));
  if (!(options.smoothing > 0)) throw base::ConfigError("the smoothing of static keys must be greater than 0");
  const Eigen::VectorXd shares = shares_of(counts);
  const Eigen::VectorXd weights = shares.cwiseSqrt() / shares.cwiseSqrt().sum();
  Doubles keys = pieces.cast<double>();
  const Eigen::RowVectorXd mean = weights.transpose() * keys;
  keys.rowwise() -= mean;
  Doubles vectors = keys * main_directions(keys, weights, options.size);
  const Eigen::VectorXd rare = options.smoothing / (options.smoothing + shares.array());
  vectors = rare.asDiagonal() * vectors;
  const Eigen::RowVectorXd usual = shares.transpose() * vectors;
  vectors.rowwise() -= usual;
  return vectors.cast<float>();
}

void write_static_table(const std::filesystem::path& path, linalg::ConstMatrixRef vectors,
                        std::map<std::string, std::string> made) {
  if (!vectors.allFinite()) throw base::NumericalError("static keys have numbers that are not finite");
  std::vector<std::int8_t> integers;
  std::vector<float> scales;
  for (linalg::Index row = 0; row < vectors.rows(); ++row) {
    const float greatest = vectors.row(row).cwiseAbs().maxCoeff();
    scales.push_back(greatest / kLevels);
    for (linalg::Index i = 0; i < vectors.cols(); ++i)
      integers.push_back(
          static_cast<std::int8_t>(greatest > 0 ? std::lround(vectors(row, i) / greatest * kLevels) : 0));
  }
  made["format"] = kFormat;
  const auto rows = static_cast<std::uint64_t>(vectors.rows()), columns = static_cast<std::uint64_t>(vectors.cols());
  write_safetensors(path,
                    {{kVectors, {"I8", {rows, columns}, std::as_bytes(std::span(integers))}},
                     {kScales, {"F32", {rows}, std::as_bytes(std::span(scales))}}},
                    made);
}

StaticTable::StaticTable(const std::filesystem::path& path) : file_(path) {
  const auto format = file_.metadata().find("format");
  if (format == file_.metadata().end() || format->second != kFormat)
    throw base::FormatError(path.string() + " is no table of static keys; larimar static-keys makes one");
  const TensorView &view = file_.at(kVectors), &scales = file_.at(kScales);
  if (view.dtype != "I8" || view.shape.size() != 2 || view.shape[0] == 0 || view.shape[1] == 0)
    throw base::FormatError(path.string() + ": the tensor \"vectors\" must be I8 [pieces, components]");
  if (scales.dtype != "F32" || scales.shape != std::vector<std::uint64_t>{view.shape[0]})
    throw base::FormatError(path.string() + ": the tensor \"scales\" must be F32 [pieces]");
  pieces_ = static_cast<linalg::Index>(view.shape[0]);
  size_ = static_cast<linalg::Index>(view.shape[1]);
}

std::span<const std::byte> StaticTable::bytes() const { return file_.at(kVectors).bytes; }

std::span<const std::byte> StaticTable::scales() const { return file_.at(kScales).bytes; }

linalg::Matrix StaticTable::vectors() const {
  linalg::Matrix rows(pieces_, size_);
  std::vector<float> scales_of_rows(static_cast<std::size_t>(pieces_));
  std::memcpy(scales_of_rows.data(), scales().data(), scales().size());
  const auto* integers = reinterpret_cast<const std::int8_t*>(bytes().data());
  for (linalg::Index row = 0; row < pieces_; ++row) {
    for (linalg::Index i = 0; i < size_; ++i)
      rows(row, i) = scales_of_rows[static_cast<std::size_t>(row)] * static_cast<float>(*integers++);
  }
  return rows;
}

const std::string& StaticTable::made(const std::string& name) const {
  const auto found = file_.metadata().find(name);
  if (found == file_.metadata().end())
    throw base::FormatError(path().string() + " does not say its \"" + name + "\"; larimar static-keys makes it anew");
  return found->second;
}

}  // namespace larimar::model

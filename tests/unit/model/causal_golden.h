#pragma once
// Small models and what transformers computed with them; made by tools/make_causal_golden.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/safetensors.h"
#include "common/text/tokenizer.h"

namespace larimar::model {

inline std::filesystem::path model_folder(const std::string& name) {
  const char* root = std::getenv("LARIMAR_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "tests/data/models" / name;
}

class Golden {
 public:
  explicit Golden(const std::string& name) : file_(model_folder(name) / "golden.safetensors") {}

  [[nodiscard]] bool has(const std::string& name) const { return file_.tensors().contains(name); }

  /// The last dimension as columns, all others as rows.
  [[nodiscard]] linalg::Matrix matrix(const std::string& name) const {
    const TensorView& view = file_.at(name);
    const auto columns = static_cast<linalg::Index>(view.shape.back());
    linalg::Matrix values(static_cast<linalg::Index>(view.bytes.size() / sizeof(float)) / columns, columns);
    EXPECT_EQ(view.dtype, "F32");
    std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
    return values;
  }

  [[nodiscard]] std::vector<text::TokenId> tokens(const std::string& name) const {
    const TensorView& view = file_.at(name);
    EXPECT_EQ(view.dtype, "I64");
    std::vector<std::int64_t> values(view.bytes.size() / sizeof(std::int64_t));
    std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
    return {values.begin(), values.end()};
  }

  /// Rows of a padded table; `lengths` names the tensor with their lengths, an empty name stands for whole rows.
  [[nodiscard]] std::vector<std::vector<text::TokenId>> rows(const std::string& name, const std::string& lengths,
                                                             bool is_left = false) const {
    const auto all = tokens(name);
    const auto width = static_cast<std::size_t>(file_.at(name).shape.at(1));
    std::vector<std::vector<text::TokenId>> result;
    for (std::size_t row = 0; row * width < all.size(); ++row) {
      const std::size_t length = lengths.empty() ? width : static_cast<std::size_t>(tokens(lengths)[row]);
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row * width + (is_left ? width - length : 0));
      result.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
    }
    return result;
  }

 private:
  SafetensorsFile file_;
};

inline float largest_difference(const linalg::Matrix& a, const linalg::Matrix& b) {
  EXPECT_EQ(a.rows(), b.rows());
  EXPECT_EQ(a.cols(), b.cols());
  if (a.rows() != b.rows() || a.cols() != b.cols()) return 1e30F;
  return (a - b).cwiseAbs().maxCoeff();
}

}  // namespace larimar::model

#include "train/static_fit.h"

#include <torch/torch.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/model/static_table.h"
#include "common/model/torch_bridge.h"

namespace larimar::train {
namespace {

using torch::Tensor;
constexpr std::size_t kFewestTexts = 100, kEveryHeldOut = 50;
constexpr double kRidge = 1e-6;

/// Sums of the pieces' vectors [texts, D].
Tensor sums(const StaticExamples& examples, std::span<const std::size_t> texts, const Tensor& vectors) {
  std::vector<std::int64_t> pieces, begins;
  for (const std::size_t text : texts) {
    begins.push_back(static_cast<std::int64_t>(pieces.size()));
    pieces.insert(pieces.end(), examples.pieces[text].begin(), examples.pieces[text].end());
  }
  namespace functional = torch::nn::functional;
  return functional::embedding_bag(
      torch::tensor(pieces), vectors,
      functional::EmbeddingBagFuncOptions().offsets(torch::tensor(begins)).mode(torch::kSum));
}

Tensor unit(const Tensor& rows) {
  return torch::nn::functional::normalize(rows, torch::nn::functional::NormalizeFuncOptions().dim(1));
}

/// Keys on the directions that hold most of their length, as directions again [texts, D].
Tensor targets_of(const linalg::Matrix& keys, linalg::Index size) {
  const Eigen::MatrixXd exact = keys.cast<double>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(exact.transpose() * exact);
  if (solver.info() != Eigen::Success) throw base::NumericalError("the directions of the keys cannot be found");
  const linalg::Matrix projected = (exact * solver.eigenvectors().rightCols(size).rowwise().reverse()).cast<float>();
  return unit(model::to_tensor(projected));
}

/// How often each piece occurs: [V].
std::vector<std::uint64_t> counts_of(const StaticExamples& examples, linalg::Index pieces) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(pieces));
  for (const auto& text : examples.pieces)
    for (const text::TokenId piece : text) ++counts.at(static_cast<std::size_t>(piece));
  return counts;
}

class Fit {
 public:
  Fit(const StaticExamples& examples, linalg::ConstMatrixRef alone, const StaticFitOptions& options)
      : examples_(examples),
        options_(options),
        targets_(targets_of(examples.keys, options.size)),
        random_(options.seed) {
    for (std::size_t i = 0; i < examples.pieces.size(); ++i)
      (i % kEveryHeldOut == 0 ? held_out_ : fitted_).push_back(i);
    start(alone);
  }

  [[nodiscard]] double cosine() const {
    const torch::NoGradGuard guard;
    return (unit(sums(examples_, held_out_, vectors_)) * targets(held_out_)).sum(1).mean().item<double>();
  }

  void run_epoch(torch::optim::Adam& adam, int epoch) {
    for (std::size_t i = fitted_.size() - 1; i > 0; --i) std::swap(fitted_[i], fitted_[random_.below(i + 1)]);
    const auto batch = static_cast<std::size_t>(options_.batch);
    const double all = static_cast<double>(options_.epochs) * static_cast<double>(fitted_.size());
    for (std::size_t at = 0; at < fitted_.size(); at += batch) {
      const auto texts = std::span<const std::size_t>(fitted_).subspan(at, std::min(batch, fitted_.size() - at));
      const double done =
          (static_cast<double>(epoch) * static_cast<double>(fitted_.size()) + static_cast<double>(at)) / all;
      for (auto& group : adam.param_groups())
        static_cast<torch::optim::AdamOptions&>(group.options()).lr(options_.learning_rate * (1.0 - done));
      adam.zero_grad();
      (1.0 - (unit(sums(examples_, texts, vectors_)) * targets(texts)).sum(1)).mean().backward();
      adam.step();
    }
  }

  Tensor& vectors() { return vectors_; }

 private:
  [[nodiscard]] Tensor targets(std::span<const std::size_t> texts) const {
    return targets_.index_select(0, torch::tensor(std::vector<std::int64_t>(texts.begin(), texts.end())));
  }

  /// The usual vectors, turned so that directions of sums are near to the targets.
  void start(linalg::ConstMatrixRef alone) {
    const torch::NoGradGuard guard;
    const linalg::Matrix usual = model::make_static_vectors(alone, counts_of(examples_, alone.rows()),
                                                            {.size = options_.size, .smoothing = options_.smoothing});
    const Tensor vectors = model::to_tensor(usual);
    const Tensor x = unit(sums(examples_, fitted_, vectors)).to(torch::kDouble),
                 y = targets(fitted_).to(torch::kDouble);
    const Tensor square =
        x.t().matmul(x) + kRidge * static_cast<double>(x.size(0)) * torch::eye(x.size(1), torch::kDouble);
    vectors_ = vectors.matmul(torch::linalg_solve(square, x.t().matmul(y)).to(torch::kFloat)).set_requires_grad(true);
  }

  const StaticExamples& examples_;
  const StaticFitOptions& options_;
  Tensor targets_, vectors_;
  std::vector<std::size_t> held_out_, fitted_;
  base::Random random_;
};

}  // namespace

StaticFit fit_static_vectors(const StaticExamples& examples, linalg::ConstMatrixRef alone,
                             const StaticFitOptions& options, const std::function<void(const std::string&)>& report) {
  const std::size_t texts = examples.pieces.size();
  if (static_cast<std::size_t>(examples.keys.rows()) != texts || examples.keys.cols() != alone.cols())
    throw base::ShapeError("there are " + std::to_string(texts) + " texts, " + std::to_string(examples.keys.rows()) +
                           " keys of " + std::to_string(examples.keys.cols()) + " components and keys of pieces of " +
                           std::to_string(alone.cols()));
  if (texts < kFewestTexts)
    throw base::ConfigError("static keys are fitted to at least " + std::to_string(kFewestTexts) + " texts, not " +
                            std::to_string(texts));
  Fit fit(examples, alone, options);
  StaticFit result;
  result.cosine_before = result.cosine = fit.cosine();
  torch::optim::Adam adam({fit.vectors()}, torch::optim::AdamOptions(options.learning_rate));
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    fit.run_epoch(adam, epoch);
    result.cosine = fit.cosine();
    char line[100];
    std::snprintf(line, sizeof line, "epoch %d of %d: cosine %.4f, before %.4f", epoch + 1, options.epochs,
                  result.cosine, result.cosine_before);
    report(line);
  }
  result.vectors = model::to_matrix(fit.vectors().detach());
  return result;
}

}  // namespace larimar::train

#include "eval/report/mean.h"

#include <algorithm>
#include <cmath>

#include "common/base/svg.h"

namespace larimar::eval::report {
namespace {

constexpr double kNormal95 = 1.959963984540054;  // quantile 0.975 of the normal distribution

/// The interval's end below the mean (side -1) or above it (side 1).
double wilson(const Mean& mean, double side) {
  if (mean.n == 0) return side < 0 ? 0 : 1;
  const double n = static_cast<double>(mean.n), p = mean.value(), z2 = kNormal95 * kNormal95;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kNormal95 / (1 + z2 / n) * std::sqrt(std::max(0.0, p * (1 - p)) / n + z2 / (4 * n * n));
  return std::clamp(centre + side * half, 0.0, 1.0);
}

}  // namespace

double Mean::value() const { return n == 0 ? 0 : sum / static_cast<double>(n); }
double Mean::low() const { return wilson(*this, -1); }
double Mean::high() const { return wilson(*this, 1); }

std::string share_text(double share) {
  const double shown = share >= 1 || share <= 0 ? share : std::clamp(share, 0.01, 0.99);
  return base::svg_format("%.2f", shown);
}

std::string tokens_text(double tokens) {
  if (tokens < 999.5) return base::svg_format("%.0f", tokens);
  if (tokens < 999500) return base::svg_format("%.3gK", tokens / 1e3);
  return base::svg_format("%.3gM", tokens / 1e6);
}

}  // namespace larimar::eval::report

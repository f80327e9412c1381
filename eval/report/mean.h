#pragma once
#include <cstddef>
#include <string>

namespace larimar::eval::report {

/// The mean of scores from 0 to 1, with Wilson's 95 % interval. For scores of 0 and 1 this is the interval of a
/// share; for fractional ones, whose variance is smaller than that of a share with their mean, it is somewhat too
/// wide.
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
struct Mean {
  std::size_t n = 0;
  double sum = 0;

  void add(double score) {
    ++n;
    sum += score;
  }
  void add(const Mean& other) {
    n += other.n;
    sum += other.sum;
  }
  [[nodiscard]] double value() const;  // 0 if n == 0
  [[nodiscard]] double low() const;    // 0 if n == 0
  [[nodiscard]] double high() const;   // 1 if n == 0
};

/// "0.95". Only a whole 1 is written 1.00 and only a whole 0 is 0.00: between them stand 0.01 to 0.99.
[[nodiscard]] std::string share_text(double share);

/// A number of tokens in three digits: 512, 8K, 8.19K, 137K, 1M.
[[nodiscard]] std::string tokens_text(double tokens);

}  // namespace larimar::eval::report

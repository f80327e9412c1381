#include "eval/capacity_memory.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/linalg/blas.h"
#include "common/linalg/least_squares.h"
#include "common/linalg/nearest.h"
#include "common/linalg/pseudo_inverse.h"
#include "common/linalg/recursive.h"
#include "common/linalg/softmax.h"
#include "eval/random.h"

namespace larimar::eval {
namespace {

using linalg::ConstMatrixRef;
using linalg::Index;
using linalg::Matrix;

constexpr std::array kKinds{MemoryKind::kDense,   MemoryKind::kBenCohen, MemoryKind::kGaussian,
                            MemoryKind::kNearest, MemoryKind::kTopK,     MemoryKind::kStored};
constexpr std::array<std::string_view, kKinds.size()> kNames{"dense", "dense-ben-cohen", "gaussian", "nearest",
                                                             "topk",  "stored"};
constexpr std::size_t kTop = 4;

memory::MemoryRules rules_of(MemoryKind kind, Index slots) {
  memory::MemoryRules rules;
  rules.key_memory = memory::KeyMemory::kCodebook;
  rules.slots = static_cast<std::size_t>(slots);
  rules.top = std::min(kTop, rules.slots);
  if (kind == MemoryKind::kDense || kind == MemoryKind::kBenCohen) rules.addressing = memory::Addressing::kDense;
  if (kind == MemoryKind::kBenCohen) rules.solve = memory::Solve::kBenCohen;
  if (kind == MemoryKind::kGaussian) rules.addressing = memory::Addressing::kGaussian;
  if (kind == MemoryKind::kTopK) rules.addressing = memory::Addressing::kTopK;
  rules.aggregation = memory::usual_aggregation(rules.addressing, rules.key_memory, rules.solve);
  return rules;
}

Matrix gather(const Matrix& all, std::span<const Index> which) {
  Matrix rows(static_cast<Index>(which.size()), all.cols());
  for (std::size_t i = 0; i < which.size(); ++i) rows.row(static_cast<Index>(i)) = all.row(which[i]);
  return rows;
}

/// The rows that are not marked.
Matrix without(ConstMatrixRef all, const std::vector<bool>& gone) {
  Matrix rows(all.rows() - std::ranges::count(gone, true), all.cols());
  for (Index i = 0, kept = 0; i < all.rows(); ++i) {
    if (!gone[static_cast<std::size_t>(i)]) rows.row(kept++) = all.row(i);
  }
  return rows;
}

/// What every memory knows of its facts.
struct Written {
  const AddressedKeys& keys;
  ConstMatrixRef codes;  // [N, C]
  [[nodiscard]] Matrix weights(std::span<const Index> which) const { return gather(keys.weights(), which); }
  [[nodiscard]] Matrix codes_of(std::span<const Index> which) const {
    Matrix rows(static_cast<Index>(which.size()), codes.cols());
    for (std::size_t i = 0; i < which.size(); ++i) rows.row(static_cast<Index>(i)) = codes.row(which[i]);
    return rows;
  }
};

class WeightedMemory final : public FactMemory {
 public:
  explicit WeightedMemory(const Written& written) : written_(written) {
    memory_ = statistics().solve(std::nullopt, 0.0).memory.cast<float>();
  }
  [[nodiscard]] Matrix read(const AddressedKeys& keys, std::span<const Index> which) const override {
    Matrix result;
    linalg::multiply(gather(keys.weights(), which), linalg::Transpose::kNo, memory_, linalg::Transpose::kNo, result);
    return result;
  }
  void prepare_to_forget() override {
    if (!recursive_) recursive_.emplace(statistics(), std::nullopt, linalg::RecursiveOptions{});
  }
  void forget(std::span<const Index> facts) override {
    prepare_to_forget();
    recursive_->forget(written_.weights(facts), written_.codes_of(facts));
    memory_ = recursive_->memory().cast<float>();
  }
  [[nodiscard]] std::unique_ptr<FactMemory> copy() const override { return std::make_unique<WeightedMemory>(*this); }

 private:
  [[nodiscard]] linalg::GramStatistics statistics() const {
    linalg::GramStatistics sums(written_.keys.weights().cols(), written_.codes.cols());
    sums.add(written_.keys.weights().topRows(written_.codes.rows()), written_.codes);
    return sums;
  }

  Written written_;
  std::optional<linalg::RecursiveMemory> recursive_;  // once something is forgotten
  Matrix memory_;                                     // M [K, C]
};

class BenCohenMemory final : public FactMemory {
 public:
  explicit BenCohenMemory(const Written& written)
      : written_(written), gone_(static_cast<std::size_t>(written.codes.rows())) {
    solve();
  }
  [[nodiscard]] Matrix read(const AddressedKeys& keys, std::span<const Index> which) const override {
    Matrix result;
    linalg::multiply(gather(keys.weights(), which), linalg::Transpose::kNo, memory_, linalg::Transpose::kNo, result);
    return result;
  }
  void forget(std::span<const Index> facts) override {
    for (const Index fact : facts) gone_[static_cast<std::size_t>(fact)] = true;
    solve();
  }
  [[nodiscard]] bool forgets_by_writing_anew() const override { return true; }
  [[nodiscard]] std::unique_ptr<FactMemory> copy() const override { return std::make_unique<BenCohenMemory>(*this); }

 private:
  void solve() {
    memory_ = Matrix::Zero(written_.keys.weights().cols(), written_.codes.cols());
    const Matrix weights = without(written_.keys.weights().topRows(written_.codes.rows()), gone_);
    if (weights.rows() == 0) return;
    linalg::multiply(linalg::ben_cohen_inverse(weights), linalg::Transpose::kNo, without(written_.codes, gone_),
                     linalg::Transpose::kNo, memory_);
  }

  Written written_;
  std::vector<bool> gone_;
  Matrix memory_;  // M [K, C]
};

class OneHotMemory final : public FactMemory {
 public:
  explicit OneHotMemory(const Written& written) : written_(written), slots_(written.codes.cols()) {
    slots_.grow(static_cast<std::size_t>(written.keys.slots()));
    for (Index fact = 0; fact < written.codes.rows(); ++fact) slots_.add(slot_of(fact), code(fact));
    memory_ = slots_.solve(std::nullopt, 0.0);
  }
  [[nodiscard]] Matrix read(const AddressedKeys& keys, std::span<const Index> which) const override {
    // As coordinator/aggregator: rows that hold nothing take no part in the softmax.
    const double temperature = memory::MemoryRules{}.temperature;
    Matrix result(static_cast<Index>(which.size()), memory_.cols());
    for (std::size_t i = 0; i < which.size(); ++i) {
      linalg::SoftmaxPartial mix(memory_.cols());
      for (std::size_t rank = 0; rank < keys.top(); ++rank) {
        const std::size_t place = static_cast<std::size_t>(which[i]) * keys.top() + rank;
        const std::uint32_t row = keys.rows()[place];
        if (slots_.count(row) == 0) continue;
        mix.add(static_cast<double>(keys.scores()[place]) / temperature,
                {memory_.row(static_cast<Index>(row)).data(), static_cast<std::size_t>(memory_.cols())});
      }
      result.row(static_cast<Index>(i)) = mix.mean();
    }
    return result;
  }
  void forget(std::span<const Index> facts) override {
    for (const Index fact : facts) slots_.remove(slot_of(fact), code(fact));
    memory_ = slots_.solve(std::nullopt, 0.0);
  }
  [[nodiscard]] std::unique_ptr<FactMemory> copy() const override { return std::make_unique<OneHotMemory>(*this); }

 private:
  [[nodiscard]] std::size_t slot_of(Index fact) const {
    return written_.keys.rows()[static_cast<std::size_t>(fact) * written_.keys.top()];
  }
  [[nodiscard]] std::span<const float> code(Index fact) const {
    return {written_.codes.row(fact).data(), static_cast<std::size_t>(written_.codes.cols())};
  }

  Written written_;
  linalg::OneHotWriter slots_;
  Matrix memory_;  // M [K, C]
};

class StoredMemory final : public FactMemory {
 public:
  explicit StoredMemory(const Written& written)
      : keys_(written.keys.keys().topRows(written.codes.rows())), codes_(written.codes), index_(count(keys_.rows())) {}
  [[nodiscard]] Matrix read(const AddressedKeys& keys, std::span<const Index> which) const override {
    Matrix result = Matrix::Zero(static_cast<Index>(which.size()), codes_.cols());
    if (keys_.rows() == 0) return result;
    const std::vector<std::uint32_t> rows = linalg::nearest_rows(gather(keys.keys(), which), keys_);
    for (std::size_t i = 0; i < rows.size(); ++i)
      result.row(static_cast<Index>(i)) = codes_.row(static_cast<Index>(rows[i]));
    return result;
  }
  void forget(std::span<const Index> facts) override {
    std::vector<bool> gone(index_.size());
    for (std::size_t i = 0; i < index_.size(); ++i) gone[i] = std::ranges::find(facts, index_[i]) != facts.end();
    keys_ = without(keys_, gone);
    codes_ = without(codes_, gone);
    std::erase_if(index_, [&](Index fact) { return std::ranges::find(facts, fact) != facts.end(); });
  }
  [[nodiscard]] std::unique_ptr<FactMemory> copy() const override { return std::make_unique<StoredMemory>(*this); }

 private:
  static std::vector<Index> count(Index facts) {
    std::vector<Index> index(static_cast<std::size_t>(facts));
    for (Index i = 0; i < facts; ++i) index[static_cast<std::size_t>(i)] = i;
    return index;
  }

  Matrix keys_, codes_;
  std::vector<Index> index_;  // the fact of each row
};

}  // namespace

std::span<const MemoryKind> all_memory_kinds() { return kKinds; }
std::string_view name_of(MemoryKind kind) { return kNames[static_cast<std::size_t>(kind)]; }
bool takes_unit_keys(MemoryKind kind) { return kind != MemoryKind::kDense && kind != MemoryKind::kBenCohen; }

Matrix draw_key_memory(ConstMatrixRef keys, Index slots, std::uint64_t seed) {
  const Eigen::RowVectorXd mean = keys.cast<double>().colwise().mean();
  const Eigen::RowVectorXd deviation = (keys.cast<double>().rowwise() - mean).colwise().squaredNorm().array().sqrt() /
                                       std::sqrt(static_cast<double>(keys.rows()));
  Random random(seed);
  Matrix rows(slots, keys.cols());
  for (Index row = 0; row < slots; ++row) {
    for (Index column = 0; column < keys.cols(); ++column)
      rows(row, column) = static_cast<float>(mean(column) + deviation(column) * random.normal());
  }
  return rows;
}

memory::Addresser make_addresser(MemoryKind kind, Matrix key_memory) {
  const memory::MemoryRules rules = rules_of(kind, key_memory.rows());
  return {std::move(key_memory), rules};
}

AddressedKeys::AddressedKeys(MemoryKind kind, const memory::Addresser* addresser, Matrix keys)
    : kind_(kind), keys_(std::move(keys)) {
  if (kind == MemoryKind::kStored) return;
  LARIMAR_EXPECT(addresser != nullptr);
  slots_ = addresser->slots();
  if (!addresser->is_one_hot()) {
    weights_ = addresser->weights(keys_);
  } else if (kind == MemoryKind::kTopK) {
    top_count_ = std::min(kTop, static_cast<std::size_t>(addresser->slots()));
    top_ = addresser->top_rows(keys_, top_count_);
  } else {
    top_.rows = addresser->nearest(keys_);
    top_.scores.assign(top_.rows.size(), 0.0F);
  }
}

std::unique_ptr<FactMemory> write_facts(const AddressedKeys& written, ConstMatrixRef codes) {
  LARIMAR_EXPECT(codes.rows() <= written.size());
  const Written facts{written, codes};
  switch (written.kind()) {
    case MemoryKind::kBenCohen:
      return std::make_unique<BenCohenMemory>(facts);
    case MemoryKind::kNearest:
    case MemoryKind::kTopK:
      return std::make_unique<OneHotMemory>(facts);
    case MemoryKind::kStored:
      return std::make_unique<StoredMemory>(facts);
    case MemoryKind::kDense:
    case MemoryKind::kGaussian:
      break;
  }
  return std::make_unique<WeightedMemory>(facts);
}

}  // namespace larimar::eval

#include "tests/unit/coordinator/shared_slots.h"

#include <Eigen/QR>
#include <cmath>

#include "common/base/error.h"
#include "coordinator/hierarchical.h"

namespace larimar::test {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::MatrixF64;
using memory::Addressing;
using memory::Aggregation;
using memory::Solve;
using tests::RandomContext;

MatrixF64 pseudo_inverse(const MatrixF64& matrix) { return matrix.completeOrthogonalDecomposition().pseudoInverse(); }

/// Squared distances of each key to each row.
MatrixF64 distances(const MatrixF64& keys, const MatrixF64& rows) {
  MatrixF64 result(keys.rows(), rows.rows());
  for (Index i = 0; i < keys.rows(); ++i)
    result.row(i) = (rows.rowwise() - keys.row(i)).rowwise().squaredNorm().transpose();
  return result;
}

MatrixF64 slow_weights(const Kind& kind, const Matrix& keys) {
  const MatrixF64 m0 = kind.addresser->key_memory().cast<double>(), x = keys.cast<double>();
  if (kind.rules.addressing == Addressing::kDense) return x * pseudo_inverse(m0);
  MatrixF64 w = distances(x, m0);
  for (Index i = 0; i < w.rows(); ++i) {
    if (kind.rules.addressing == Addressing::kGaussian) {
      w.row(i) = (-(w.row(i).array() - w.row(i).minCoeff()) / (2 * kind.rules.alpha)).exp();
      w.row(i) /= w.row(i).sum();
    } else {
      Index nearest = 0;
      w.row(i).minCoeff(&nearest);
      w.row(i).setZero();
      w(i, nearest) = 1;
    }
  }
  return w;
}

/// Least squares of [W; sqrt(ridge) I] by an orthogonal decomposition: the smallest minimiser for any rank.
MatrixF64 slow_memory(const Kind& kind, const RandomContext& context) {
  MatrixF64 w = slow_weights(kind, context.keys), z(context.keys.rows(), kSize);
  for (Index i = 0; i < z.rows(); ++i)
    z.row(i) = context.codes.row(static_cast<Index>(context.owner[static_cast<std::size_t>(i)])).cast<double>();
  if (w.rows() == 0) return MatrixF64::Zero(kSlots, kSize);
  if (kind.rules.ridge > 0) {
    const Index rows = w.rows();
    w.conservativeResize(rows + kSlots, Eigen::NoChange);
    z.conservativeResize(rows + kSlots, Eigen::NoChange);
    w.bottomRows(kSlots) = std::sqrt(kind.rules.ridge) * MatrixF64::Identity(kSlots, kSlots);
    z.bottomRows(kSlots).setZero();
  }
  return w.completeOrthogonalDecomposition().solve(z);
}

RandomContext all_of(const std::vector<RandomContext>& parts) {
  RandomContext whole = parts.front();
  for (std::size_t s = 1; s < parts.size(); ++s) {
    const RandomContext& part = parts[s];
    const auto first = static_cast<std::uint32_t>(whole.segments.size());
    for (const std::uint32_t owner : part.owner) whole.owner.push_back(first + owner);
    whole.segments.insert(whole.segments.end(), part.segments.begin(), part.segments.end());
    const Index codes = whole.codes.rows(), keys = whole.keys.rows();
    whole.codes.conservativeResize(codes + part.codes.rows(), kSize);
    whole.codes.bottomRows(part.codes.rows()) = part.codes;
    whole.keys.conservativeResize(keys + part.keys.rows(), kSize);
    whole.keys.bottomRows(part.keys.rows()) = part.keys;
  }
  return whole;
}

/// The part that has the best write key for each read key; of one-hot kinds among those in the read key's row.
std::vector<std::size_t> best_part(const Kind& kind, const std::vector<RandomContext>& parts, const Matrix& keys) {
  const bool one_hot = kind.addresser->is_one_hot();
  const MatrixF64 wanted = slow_weights(kind, keys);
  std::vector<std::size_t> best(static_cast<std::size_t>(keys.rows()), parts.size());
  for (Index q = 0; q < keys.rows(); ++q) {
    double score = -2;
    for (std::size_t s = 0; s < parts.size(); ++s) {
      const MatrixF64 rows = one_hot ? slow_weights(kind, parts[s].keys) : MatrixF64();
      for (Index i = 0; i < parts[s].keys.rows(); ++i) {
        if (one_hot && rows.row(i) != wanted.row(q)) continue;
        const double now = parts[s].keys.row(i).cast<double>().dot(keys.row(q).cast<double>());
        if (now <= score) continue;
        score = now;
        best[static_cast<std::size_t>(q)] = s;
      }
    }
  }
  return best;
}

MatrixF64 slow_top(const Kind& kind, const RandomContext& whole, const Matrix& keys) {
  const MatrixF64 memory = slow_memory(kind, whole), written = slow_weights(kind, whole.keys).colwise().sum();
  const MatrixF64 scores = keys.cast<double>() * kind.addresser->key_memory().cast<double>().transpose();
  MatrixF64 z = MatrixF64::Zero(keys.rows(), kSize);
  for (Index q = 0; q < keys.rows(); ++q) {
    std::vector<Index> order(static_cast<std::size_t>(kSlots));
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::sort(order, [&](Index a, Index b) { return scores(q, a) > scores(q, b); });
    double sum = 0;
    for (std::size_t i = 0; i < kind.rules.top; ++i) {
      if (written(0, order[i]) == 0) continue;
      const double weight = std::exp((scores(q, order[i]) - scores(q, order[0])) / kind.rules.temperature);
      z.row(q) += weight * memory.row(order[i]);
      sum += weight;
    }
    if (sum > 0) z.row(q) /= sum;
  }
  return z;
}

}  // namespace

std::string Kind::name() const {
  std::string text;
  for (const std::string_view part : {memory::name_of(rules.addressing), memory::name_of(rules.key_memory),
                                      memory::name_of(rules.solve), memory::name_of(rules.aggregation)})
    text += (text.empty() ? "" : " ") + std::string(part);
  return text + " ridge " + std::to_string(rules.ridge);
}

Matrix test_key_memory() { return tests::random_unit_rows(kSlots, kSize, 77); }

std::vector<Kind> kinds_of_shared_slots(double ridge) {
  struct Wanted {
    Addressing addressing;
    Solve solve;
    Aggregation aggregation;
  };
  std::vector<Kind> kinds;
  for (const Wanted& wanted : {Wanted{Addressing::kDense, Solve::kGlobal, Aggregation::kSum},
                               {Addressing::kGaussian, Solve::kGlobal, Aggregation::kSum},
                               {Addressing::kNearest, Solve::kGlobal, Aggregation::kSum},
                               {Addressing::kTopK, Solve::kGlobal, Aggregation::kTopK},
                               {Addressing::kNearest, Solve::kLocal, Aggregation::kBest},
                               {Addressing::kDense, Solve::kLocal, Aggregation::kSum},
                               {Addressing::kDense, Solve::kLocal, Aggregation::kBest},
                               {Addressing::kDense, Solve::kLocal, Aggregation::kHierarchical},
                               {Addressing::kGaussian, Solve::kLocal, Aggregation::kSum},
                               {Addressing::kGaussian, Solve::kLocal, Aggregation::kBest}}) {
    Kind kind;
    kind.rules = support::codebook_rules(wanted.addressing, static_cast<std::size_t>(kSlots), wanted.solve);
    kind.rules.aggregation = wanted.aggregation;
    kind.rules.ridge = ridge;
    kind.rules.alpha = 0.2;
    memory::check(kind.rules, static_cast<std::size_t>(kSize), static_cast<std::size_t>(kSize));
    kind.addresser = support::addresser_of(test_key_memory(), kind.rules);
    kinds.push_back(kind);
  }
  return kinds;
}

std::vector<RandomContext> deal(const RandomContext& context, std::size_t shards) {
  std::vector<RandomContext> parts;
  for (std::size_t s = 0; s < shards; ++s) parts.push_back(context.share(s, shards));
  return parts;
}

Shards::Shards(const Kind& kind, const RandomContext& context, std::size_t count, std::size_t empty) : kind_(kind) {
  for (std::size_t s = 0; s < count; ++s) {
    shards_.emplace_back(shard::ShardMemoryOptions{.rules = kind.rules,
                                                   .code_size = context.codes.cols(),
                                                   .key_size = context.keys.cols(),
                                                   .addresser = kind.addresser,
                                                   .keep_codes = true});
    if (s + empty < count) shards_.back().append(context.share(s, count - empty).batch());
  }
  solve();
}

void Shards::solve() {
  if (!memory::is_solved_globally(kind_.rules)) {
    for (shard::ShardMemory& memory : shards_) memory.solve();
    return;
  }
  linalg::GramStatistics sum(kSlots, kSize);
  for (const shard::ShardMemory& memory : shards_) sum.merge(memory.statistics());
  const Matrix memory = sum.solve(std::nullopt, kind_.rules.ridge).memory.cast<float>();
  const auto count = static_cast<Index>(shards_.size());
  for (Index s = 0; s < count; ++s) {
    const Index first = kSlots * s / count;
    shards_[static_cast<std::size_t>(s)].adopt(memory, {first, kSlots * (s + 1) / count - first});
  }
}

coordinator::SlotResult Shards::read(const Matrix& keys, std::uint64_t seed) const {
  const std::size_t rows = kind_.rules.addressing == Addressing::kTopK ? kind_.rules.top : 1;
  std::vector<shard::SlotReads> reads;
  for (const shard::ShardMemory& memory : shards_) reads.push_back(memory.read_slots(keys, rows, kMembers));
  std::vector<std::size_t> order(shards_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(seed);
  std::ranges::shuffle(order, random);
  std::vector<coordinator::SlotReply> replies;
  for (const std::size_t s : order)
    replies.push_back({.shard = {static_cast<std::uint32_t>(s)},
                       .status = shards_[s].status(),
                       .reads = reads[s].reads,
                       .codes = reads[s].codes,
                       .members = reads[s].members});
  return coordinator::combine_slots(replies,
                                    {.shape = {.queries = static_cast<std::size_t>(keys.rows()), .k = kMembers},
                                     .asked = kMembers,
                                     .rows = rows,
                                     .code_size = kSize,
                                     .rules = kind_.rules,
                                     .addresser = kind_.addresser.get(),
                                     .keys = keys});
}

shard::ShardMemory& Shards::owner(base::SegmentId id) {
  const auto found = std::ranges::find_if(
      shards_, [&](const shard::ShardMemory& memory) { return memory.segments().find(id).has_value(); });
  if (found == shards_.end()) throw base::Error(base::ExitCode::kInternal, "the test asks for a segment of no shard");
  return *found;
}

MatrixF64 slow_read(const Kind& kind, const std::vector<RandomContext>& parts, const Matrix& keys) {
  if (kind.rules.addressing == Addressing::kTopK) return slow_top(kind, all_of(parts), keys);
  const MatrixF64 w = slow_weights(kind, keys);
  if (kind.rules.solve == Solve::kGlobal) return w * slow_memory(kind, all_of(parts));
  std::vector<MatrixF64> reads;
  for (const RandomContext& part : parts) reads.push_back(w * slow_memory(kind, part));
  MatrixF64 z = MatrixF64::Zero(keys.rows(), kSize);
  if (kind.rules.aggregation == Aggregation::kSum) {
    for (const MatrixF64& read : reads) z += read;
  } else if (kind.rules.aggregation == Aggregation::kBest) {
    const std::vector<std::size_t> best = best_part(kind, parts, keys);
    for (Index q = 0; q < keys.rows(); ++q) {
      const std::size_t s = best[static_cast<std::size_t>(q)];
      if (s < parts.size()) z.row(q) = reads[s].row(q);
    }
  } else {
    for (Index q = 0; q < keys.rows(); ++q) {
      Matrix chunks(0, kSize);
      for (std::size_t s = 0; s < parts.size(); ++s) {
        if (parts[s].segments.empty()) continue;
        chunks.conservativeResize(chunks.rows() + 1, Eigen::NoChange);
        chunks.bottomRows(1) = reads[s].row(q).cast<float>();
      }
      z.row(q) = coordinator::read_hierarchical(chunks, keys.row(q), *kind.addresser, kind.rules).cast<double>();
    }
  }
  return z;
}

}  // namespace larimar::test

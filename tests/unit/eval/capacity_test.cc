#include "eval/capacity.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using linalg::Index;
using linalg::Matrix;
using test::error_of;
using testing::HasSubstr;

constexpr Index kCodeSize = 96;

/// Codes are their own text: "decoding" gives the number of the row that they equal, and nothing where they equal none.
struct RowDecoder : model::CodeDecoder {
  explicit RowDecoder(const Matrix& codes) : codes_(codes) {}
  [[nodiscard]] Index code_size() const override { return codes_.cols(); }
  [[nodiscard]] std::vector<std::vector<text::TokenId>> decode(linalg::ConstMatrixRef reads) override {
    std::vector<std::vector<text::TokenId>> texts(static_cast<std::size_t>(reads.rows()));
    for (Index i = 0; i < reads.rows(); ++i) {
      for (Index row = 0; row < codes_.rows(); ++row) {
        if ((reads.row(i) - codes_.row(row)).norm() < 0.01F * codes_.row(row).norm())
          texts[static_cast<std::size_t>(i)] = {static_cast<text::TokenId>(row)};
      }
    }
    return texts;
  }
  const Matrix& codes_;
};

class Capacity : public testing::Test {
 protected:
  void measure(std::vector<Index> slots, std::vector<Index> facts) {
    options_.slots = std::move(slots);
    options_.facts = std::move(facts);
    rows_ = measure_capacity(set_, options_, nullptr, [this](std::uint64_t done) { done_ = done; });
  }
  [[nodiscard]] const CapacityRow& row(const std::string& memory, Index slots, Index facts, const std::string& measure,
                                       const std::string& asked = "written") const {
    const auto found = std::ranges::find_if(rows_, [&](const CapacityRow& one) {
      return one.memory == memory && one.slots == slots && one.facts == facts && one.measure == measure &&
             one.asked == asked;
    });
    if (found == rows_.end()) {
      ADD_FAILURE() << "no row of " << memory << " " << slots << " " << facts << " " << measure;
      return rows_.front();
    }
    return *found;
  }
  [[nodiscard]] double value(const std::string& memory, Index slots, Index facts, const std::string& measure) const {
    return row(memory, slots, facts, measure).recall.value();
  }

  FactSet set_ = random_facts(160, kCodeSize, 7);
  CapacityOptions options_{.trials = 16, .retained = 4, .seed = 3};
  std::vector<CapacityRow> rows_;
  std::uint64_t done_ = 0;
};

TEST_F(Capacity, DenseHoldsAsManyFactsAsSlotsExactlyAndNoMore) {
  measure({32}, {16, 32, 64, 160});
  EXPECT_EQ(value("dense", 32, 16, "exact"), 1.0);
  EXPECT_EQ(value("dense", 32, 32, "exact"), 1.0);
  EXPECT_EQ(value("dense", 32, 64, "exact"), 0.0);
  EXPECT_EQ(row("dense", 32, 64, "exact").recall.n, 64U);
  // What is left of z is its projection on K of min(N, C) directions, at a cosine of sqrt(1/2) and sqrt(1/6).
  EXPECT_EQ(value("dense", 32, 64, "recalled"), 1.0);
  measure({8}, {160});
  EXPECT_LE(value("dense", 8, 160, "recalled"), 0.2) << "at sqrt(1/12)";
  EXPECT_GE(value("dense", 8, 160, "identified"), 0.4) << "far from exact, but often still nearest to itself";
}

TEST_F(Capacity, DenseForgetsAFactAndKeepsTheOthers) {
  measure({32}, {16, 32});
  for (const Index facts : {16, 32}) {
    EXPECT_EQ(row("dense", 32, facts, "forgotten").recall.n, 16U);
    EXPECT_LE(value("dense", 32, facts, "forgotten"), 0.1);
    EXPECT_EQ(row("dense", 32, facts, "retained").recall.n, 64U);
    EXPECT_EQ(value("dense", 32, facts, "retained"), 1.0);
    EXPECT_LE(value("dense", 32, facts, "forgotten_tenth"), 0.1);
    EXPECT_EQ(value("dense", 32, facts, "retained_tenth"), 1.0);
  }
  EXPECT_EQ(row("dense", 32, 32, "forgotten_tenth").recall.n, 3U);
  EXPECT_EQ(row("dense", 32, 32, "retained_tenth").recall.n, 29U);
}

TEST_F(Capacity, CodesAsKeysWithAsManySlotsAsComponentsReadWhatWasNeverWritten) {
  // With K >= C and N >= C the exact solution is M0 itself and w M0 = z for every z: nothing can be forgotten.
  measure({96}, {160});
  EXPECT_EQ(value("dense", 96, 160, "exact"), 1.0);
  measure({128}, {128});
  EXPECT_EQ(value("dense", 128, 128, "forgotten"), 1.0);
}

TEST_F(Capacity, StoredKeysHoldAllAndForgetExactlyThatOne) {
  measure({16}, {1, 160});
  for (const char* measured : {"identified", "recalled", "exact"}) EXPECT_EQ(value("stored", 160, 160, measured), 1.0);
  EXPECT_EQ(value("stored", 160, 160, "forgotten"), 0.0);
  EXPECT_EQ(value("stored", 160, 160, "retained"), 1.0);
  EXPECT_EQ(value("stored", 160, 160, "forgotten_tenth"), 0.0);
  EXPECT_EQ(value("stored", 160, 160, "retained_tenth"), 1.0);
  EXPECT_EQ(row("stored", 1, 1, "forgotten").recall.n, 1U) << "an empty memory recalls nothing";
  EXPECT_EQ(value("stored", 1, 1, "forgotten"), 0.0);
  EXPECT_EQ(row("stored", 1, 1, "retained").recall.n, 0U);
}

TEST_F(Capacity, ASharedRowHoldsAMeanOfWhichOneFactAtMostIsIdentified) {
  measure({1, 16}, {8, 16, 160});
  EXPECT_EQ(row("nearest", 1, 160, "identified").recall.hits, 1U);
  EXPECT_LE(row("nearest", 16, 160, "identified").recall.hits, 16U);
  EXPECT_GT(row("nearest", 16, 16, "exact").recall.hits, 0U) << "some are alone in their row";
  EXPECT_LT(value("nearest", 16, 16, "exact"), 1.0);
  EXPECT_EQ(value("nearest", 16, 8, "forgotten"), 0.0);
  // One row: the softmax over one is that row, and Gaussian weights over one are 1.
  EXPECT_EQ(row("topk", 1, 160, "identified").recall.hits, row("nearest", 1, 160, "identified").recall.hits);
  EXPECT_EQ(row("gaussian", 1, 160, "identified").recall.hits, row("nearest", 1, 160, "identified").recall.hits);
}

TEST_F(Capacity, ADivergentIterationIsSaidAndNotCounted) {
  for (Matrix* scaled : {&set_.codes, &set_.keys[0].written}) *scaled *= 50.0F;
  measure({16}, {8, 32});
  for (const Index facts : {8, 32}) {
    const CapacityRow& diverged = row("dense-ben-cohen", 16, facts, "", "");
    EXPECT_EQ(diverged.status, "diverged");
    EXPECT_THAT(diverged.note, HasSubstr("diverged at step"));
    EXPECT_EQ(diverged.recall.n, 0U);
  }
  EXPECT_EQ(value("dense", 16, 8, "exact"), 1.0) << "the exact solve does not mind";
}

TEST_F(Capacity, TheIterationHoldsWhatTheExactSolveHoldsWhereItConverges) {
  measure({48}, {8});
  EXPECT_EQ(row("dense-ben-cohen", 48, 8, "recalled").status, "measured");
  EXPECT_EQ(value("dense-ben-cohen", 48, 8, "recalled"), 1.0);
}

TEST_F(Capacity, CellsBeyondTheFactsAreLeftOutAndSaid) {
  measure({16}, {64, 161, 4096});
  std::set<Index> left_out;
  for (const CapacityRow& one : rows_) {
    if (one.status != "left out") {
      EXPECT_EQ(one.facts, 64);
      continue;
    }
    left_out.insert(one.facts);
    EXPECT_THAT(one.note, HasSubstr("only 160 facts"));
  }
  EXPECT_EQ(left_out, (std::set<Index>{161, 4096}));
  EXPECT_EQ(done_, count_cells(options_, 1));
}

TEST_F(Capacity, RephrasedKeysAndDecodingAreMeasuredOnTheirSample) {
  set_.keys[0].rephrased = set_.codes.topRows(20).colwise().reverse();  // each asks for another fact
  set_.keys[0].rephrased.row(0) = set_.codes.row(0);
  set_.tokens = {{0}, {}, {2}, {3}};  // the second one is not given back from its true code
  options_.slots = {32};
  options_.facts = {16, 32};
  RowDecoder decoder(set_.codes);
  rows_ = measure_capacity(set_, options_, &decoder, [](std::uint64_t) {});
  EXPECT_EQ(row("stored", 32, 32, "recalled", "rephrased").recall.n, 20U);
  EXPECT_EQ(row("stored", 32, 32, "recalled", "rephrased").recall.hits, 1U);
  EXPECT_EQ(row("stored", 16, 16, "recalled", "rephrased").recall.n, 16U);
  EXPECT_EQ(row("dense", 32, 32, "decoded").recall.n, 3U);
  EXPECT_EQ(row("dense", 32, 32, "decoded").recall.hits, 3U);
  EXPECT_EQ(row("dense", 32, 16, "forgotten").recall.n, 4U) << "only of those that have a text";
  EXPECT_EQ(row("dense", 32, 16, "forgotten_decoded").recall.n, 3U);
  EXPECT_EQ(row("dense", 32, 16, "forgotten_decoded").recall.hits, 0U);
  EXPECT_EQ(value("dense", 32, 16, "retained_decoded"), 1.0);
}

TEST_F(Capacity, TheSameSeedGivesTheSameRowsAndAnotherOneOthers) {
  const auto hits = [&](std::uint64_t seed) {
    options_.seed = seed;
    measure({16}, {16, 32});
    std::vector<std::size_t> all;
    for (const CapacityRow& one : rows_) all.push_back(one.recall.hits);
    return all;
  };
  const auto first = hits(3);
  EXPECT_EQ(first, hits(3));
  EXPECT_NE(first, hits(4));
}

TEST_F(Capacity, NoSlotsOrNoFactsAreRefused) {
  EXPECT_THAT(error_of<base::ConfigError>([&] { measure({16, 0}, {16}); }), HasSubstr("slots K"));
  EXPECT_THAT(error_of<base::ConfigError>([&] { measure({16}, {}); }), HasSubstr("facts N"));
}

}  // namespace
}  // namespace larimar::eval

// Rows of systems that do not retrieve, or have no key modes: what is null in them, and what sums make of that.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "eval/row.h"
#include "eval/summary.h"

namespace larimar::eval {
namespace {

Row sample() {
  Row row;
  row.cell = "L1000/passkey_3/D50/S1/prefix/prefix";
  row.kind = "passkey";
  row.key_mode = "prefix";
  row.form = "prefix";
  row.expected = {"817"};
  row.answer.answer = "It is 817.";
  row.score.wording = true;
  row.score.value = 1;
  return row;
}

TEST(Rows, OfASystemThatReadsTheContextHaveNoScoresOfRetrievalButUsage) {
  Row row = sample();
  row.system.name = "smollm2 full context";
  row.system.retrieves = row.system.has_key_modes = false;
  row.answer.usage = Usage{900, 12, true};
  const nlohmann::json written = to_json(row, "run");
  const nlohmann::json& details = written["score"]["details"];
  for (const char* name : {"retrieval_first", "retrieval_any", "evidence_read"}) {
    ASSERT_TRUE(details.contains(name)) << name;
    EXPECT_TRUE(details[name].is_null()) << name;
  }
  EXPECT_TRUE(details["wording"].get<bool>());
  EXPECT_EQ(written["usage"], nlohmann::json({{"prompt_tokens", 900}, {"completion_tokens", 12}, {"truncated", true}}));
  EXPECT_TRUE(written["larimar"]["retrieval_rank"].is_null());
  EXPECT_EQ(written["larimar"]["key_mode"], "");
  EXPECT_EQ(written["larimar"]["system"], "smollm2 full context");
  EXPECT_EQ(written["larimar"]["cell"], row.cell);
}

TEST(Rows, OfASystemThatRetrievesKeepTheirScoresAndHaveNoUsage) {
  Row row = sample();
  row.score.rank = 2;
  row.score.retrieval_any = true;
  const nlohmann::json written = to_json(row, "run");
  EXPECT_FALSE(written["score"]["details"]["retrieval_first"].get<bool>());
  EXPECT_TRUE(written["score"]["details"]["retrieval_any"].get<bool>());
  EXPECT_EQ(written["larimar"]["retrieval_rank"], 2);
  EXPECT_TRUE(written["usage"].is_null());
  EXPECT_EQ(written["larimar"]["key_mode"], "prefix");
  EXPECT_FALSE(written["larimar"].contains("language"));
  row.system.language = {{"rerank", "likelihood"}};
  EXPECT_EQ(nlohmann::json(to_json(row, "run"))["larimar"]["language"]["rerank"], "likelihood");
}

TEST(Rows, WithoutScoresOfRetrievalAreReadBackAndNotCounted) {
  Row row = sample();
  row.system.retrieves = false;
  const Row again = read_row(to_json(row, "run"));
  EXPECT_FALSE(again.system.retrieves);
  EXPECT_TRUE(read_row(to_json(sample(), "run")).system.retrieves);
  const std::vector<Row> rows = {again, again};
  const std::vector<SummaryGroup> groups = summarize(rows);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].retrieval_first.n, 0U);
  EXPECT_EQ(groups[0].wording.n, 2U);
  EXPECT_TRUE(to_json(groups)[0]["retrieval_first"].is_null());
  EXPECT_NE(to_markdown(groups).find("| 2 | - | - | 1.00 (2/2"), std::string::npos) << to_markdown(groups);
}

}  // namespace
}  // namespace larimar::eval

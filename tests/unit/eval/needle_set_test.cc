#include <gmock/gmock.h>

#include <cstdlib>

#include "eval/everyday.h"
#include "eval/needle_file.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using test::error_of;
using test::make_text;
using testing::HasSubstr;

class NeedleSetTest : public testing::Test {
 protected:
  NeedleSetTest() {
    for (const char* name : {"a", "b", "c"}) folder.write(std::string("hay/") + name + ".txt", make_text(name, 60));
    setup.haystack = folder.path() / "hay";
    setup.out = folder.path() / "out";
    setup.tokenizer = &tokenizer;
    set.needles = load_needles(fs::path(std::getenv("LARIMAR_SOURCE_DIR")) / "eval/needles/everyday.jsonl");
    for (const Needle& needle : set.needles) search.prefixes[needle.question] = needle.prefix;
  }
  EvalOutcome run() { return run_needle_set(set, setup, std::ref(search), nullptr); }
  std::vector<Row> rows() { return read_results(setup.out / "results.jsonl"); }

  test::TemporaryFolder folder;
  test::WordTokenizer tokenizer;
  EvalSetup setup;
  NeedleSet set;
  test::FileSearch search;
};

TEST_F(NeedleSetTest, AllNeedlesLiveInOneHaystack) {
  const EvalOutcome outcome = run();
  EXPECT_EQ(outcome.rows, 80U);
  EXPECT_EQ(outcome.asked, 80U);
  ASSERT_EQ(search.trials.size(), 1U);
  EXPECT_EQ(search.trials[0].queries.size(), 80U);
  for (const Row& row : rows()) {
    EXPECT_EQ(row.kind, "everyday");
    EXPECT_TRUE(row.score.retrieval_first && row.score.wording) << row.cell;
  }
  EXPECT_EQ(rows().front().depth, 0);
  EXPECT_EQ(rows().back().depth, 100);
}

TEST_F(NeedleSetTest, AsksOnlyWhatIsMissing) {
  set.forms = {"prefix"};
  EXPECT_EQ(run().asked, 40U);
  set.forms = {"prefix", "question"};
  EXPECT_EQ(run().asked, 40U);
  EXPECT_EQ(search.trials.back().queries.front().prefix, "");
  EXPECT_EQ(run().asked, 0U);
  EXPECT_EQ(search.trials.size(), 2U);
}

TEST_F(NeedleSetTest, RefusesAFolderOfOtherNeedles) {
  run();
  set.needles.pop_back();
  EXPECT_THAT(error_of<base::ConfigError>([&] { run(); }), HasSubstr("needles (\"40 needles"));
}

TEST_F(NeedleSetTest, RefusesAnEmptySet) {
  set.needles.clear();
  EXPECT_THAT(error_of<base::UsageError>([&] { run(); }), HasSubstr("one needle"));
}

}  // namespace
}  // namespace larimar::eval

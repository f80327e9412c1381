#include <gmock/gmock.h>

#include <set>

#include "eval/passkey_grid.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using test::error_of;
using test::make_text;
using testing::HasSubstr;

class GridTest : public testing::Test {
 protected:
  GridTest() {
    for (const char* name : {"a", "b", "c"}) folder.write(std::string("hay/") + name + ".txt", make_text(name, 40));
    setup.haystack = folder.path() / "hay";
    setup.out = folder.path() / "out";
    setup.tokenizer = &tokenizer;
    setup.system = {{"name", "search"}};
    grid.kinds = {parse_needle_kind("5"), parse_needle_kind("uuid"), parse_needle_kind("san_francisco")};
    grid.depths = {0, 50, 100};
    grid.seeds = 2;
    grid.forms = {"prefix", "question"};
    search.prefixes = {{"What is the pass key?", "The pass key is"},
                       {"What is the best thing to do in San Francisco?", "The best thing to do in San Francisco is"}};
  }
  EvalOutcome run() { return run_passkey_grid(grid, setup, std::ref(search), progress); }
  std::vector<Row> rows() { return read_results(setup.out / "results.jsonl"); }
  template <class Kind>
  std::string error() {
    return error_of<Kind>([&] { run(); });
  }

  test::TemporaryFolder folder;
  test::WordTokenizer tokenizer;
  EvalSetup setup;
  PasskeyGrid grid;
  test::FileSearch search;
  ProgressFunction progress;
};

TEST_F(GridTest, FindsEveryNeedle) {
  std::vector<Progress> seen;
  progress = [&](const Progress& state) { seen.push_back(state); };
  const EvalOutcome outcome = run();
  EXPECT_EQ(outcome.rows, 3U * 3 * 2 * 2);
  EXPECT_EQ(outcome.asked, outcome.rows);
  ASSERT_EQ(rows().size(), outcome.rows);
  for (const Row& row : rows()) EXPECT_TRUE(row.score.retrieval_first && row.score.wording) << row.cell;
  EXPECT_EQ(search.trials.size(), 18U);  // one call serves both forms
  ASSERT_EQ(seen.size(), 1U + 18);
  EXPECT_EQ(seen.front().done, 0U);
  EXPECT_EQ(seen.back().done, outcome.rows);
  EXPECT_EQ(seen.back().total, outcome.rows);
}

TEST_F(GridTest, OneDocumentOfEachTrialIsACopy) {
  run();
  std::set<fs::path> copied;
  for (const Trial& trial : search.trials) {
    ASSERT_EQ(trial.context.size(), 3U);
    int copies = 0;
    for (const fs::path& document : trial.context) {
      if (document.parent_path() == setup.haystack) continue;
      ++copies;
      copied.insert(document.filename());
      EXPECT_TRUE(document.string().starts_with((setup.out / "contexts").string()));
    }
    EXPECT_EQ(copies, 1);
  }
  EXPECT_EQ(copied, (std::set<fs::path>{"a.txt", "b.txt", "c.txt"}));
}

TEST_F(GridTest, AWrongAnswerIsCountedAsWrong) {
  const AskFunction wrong = [](const Trial& trial) {
    std::vector<Answer> answers;
    for (const Query& query : trial.queries) {
      answers.push_back(
          {.id = query.id,
           .answer = "12345",
           .decoded = {},
           .citations = {{.document = trial.context[0], .byte_begin = 900, .byte_end = 950, .excerpt = ""}}});
    }
    return answers;
  };
  run_passkey_grid(grid, setup, wrong, nullptr);
  for (const Row& row : rows()) EXPECT_FALSE(row.score.retrieval_any || row.score.wording_any) << row.cell;
}

TEST_F(GridTest, GoesOnWhereItStopped) {
  std::size_t calls = 0;
  const AskFunction breaks = [&](const Trial& trial) {
    if (++calls > 5) throw base::CommError("a rank is gone");
    return search(trial);
  };
  EXPECT_EQ(error_of<base::CommError>([&] { run_passkey_grid(grid, setup, breaks, nullptr); }), "a rank is gone");
  EXPECT_EQ(rows().size(), 10U);
  const EvalOutcome outcome = run();
  EXPECT_EQ(outcome.asked, outcome.rows - 10);
  EXPECT_EQ(run().asked, 0U);
  std::set<std::string> cells;
  for (const Row& row : rows()) cells.insert(row.cell);
  EXPECT_EQ(cells.size(), outcome.rows);
}

TEST_F(GridTest, MoreCellsMayBeAddedToAFolder) {
  run();
  grid.depths.push_back(25);
  grid.key_modes.push_back("segment");
  const EvalOutcome outcome = run();
  EXPECT_EQ(outcome.rows, 3U * 4 * 2 * 2 * 2);
  EXPECT_EQ(outcome.asked, outcome.rows - 36);
}

TEST_F(GridTest, KeysAreTheSameForEveryLengthAndKeyMode) {
  grid.lengths = {0, 300};
  grid.key_modes = {"prefix", "segment"};
  run();
  std::map<std::string, std::set<std::string>> keys;
  for (const Row& row : rows())
    keys[row.kind + std::to_string(row.depth) + "/" + std::to_string(row.seed)].insert(row.expected.front());
  EXPECT_EQ(keys.size(), 18U);
  for (const auto& [cell, values] : keys) EXPECT_EQ(values.size(), 1U) << cell;
}

TEST_F(GridTest, LengthsAreCutAndExtended) {
  folder.write("fill/x.txt", make_text("filler", 300));
  setup.filler = folder.path() / "fill";
  grid.lengths = {300, 1000};
  run();
  for (const Row& row : rows()) {
    EXPECT_EQ(row.context.tokens, row.context_length + (row.kind == "san_francisco" ? 21 : 5)) << row.cell;
  }
  EXPECT_EQ(search.trials.front().context.size(), 2U);
  EXPECT_EQ(search.trials.back().context.size(), 4U);
}

TEST_F(GridTest, RefusesBadGridsBeforeAnyWork) {
  grid.depths = {50, 101};
  EXPECT_THAT(error<base::UsageError>(), HasSubstr("outside 0 to 100"));
  grid.depths = {50};
  grid.forms = {"guess"};
  EXPECT_THAT(error<base::UsageError>(), HasSubstr("form \"guess\" is none of prefix, question"));
  grid.forms = {"prefix"};
  grid.key_modes = {};
  EXPECT_THAT(error<base::UsageError>(), HasSubstr("at least one key mode"));
  grid.key_modes = {"prefix"};
  grid.seeds = 0;
  EXPECT_THAT(error<base::UsageError>(), HasSubstr("at least one length"));
  EXPECT_FALSE(fs::exists(setup.out));
  EXPECT_TRUE(search.trials.empty());
}

TEST_F(GridTest, RefusesBadHaystacks) {
  grid.lengths = {100000};
  EXPECT_THAT(error<base::ConfigError>(), HasSubstr("the haystack has 600"));
  grid.lengths = {0};
  setup.haystack = folder.path() / "nowhere";
  EXPECT_THAT(error<base::MissingInputError>(), HasSubstr("nowhere does not exist"));
  setup.haystack = folder.write("tiny/a.txt", "Tiny.").parent_path();
  setup.out = folder.path() / "tiny_out";
  EXPECT_THAT(error<base::ConfigError>(), HasSubstr("more than the whole context of 5"));
}

TEST_F(GridTest, RefusesAFolderOfAnotherHaystackOrSystem) {
  run();
  folder.write("hay/a.txt", make_text("changed", 40));
  EXPECT_THAT(error<base::ConfigError>(), HasSubstr("results of another configuration: haystack"));
  folder.write("hay/a.txt", make_text("a", 40));
  setup.system = {{"name", "other"}};
  EXPECT_THAT(error<base::ConfigError>(), HasSubstr("system"));
}

TEST_F(GridTest, AnUnansweredQueryIsAnError) {
  const AskFunction silent = [](const Trial&) { return std::vector<Answer>{}; };
  EXPECT_THAT(error_of<base::Error>([&] { run_passkey_grid(grid, setup, silent, nullptr); }),
              HasSubstr("no answer came for the query"));
}

}  // namespace
}  // namespace larimar::eval

#include <gmock/gmock.h>

#include <set>

#include "eval/babi_task.h"
#include "eval/fact_task.h"
#include "eval/key_task.h"
#include "eval/passkey_grid.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(KeyTask, HidesEachValueOnceAndAsksForAllOfAKey) {
  const TaskAxes axes{.depths = {20, 80}, .seeds = 2, .forms = {"prefix", "question"}};
  const Task task = key_task(axes, {.keys = 3, .values = 2, .distractors = 5});
  ASSERT_EQ(task.trials.size(), 4U);
  std::set<std::string> all_values;
  for (const TaskTrial& trial : task.trials) {
    EXPECT_EQ(trial.plants.size(), 3U * 2 + 5);
    ASSERT_EQ(trial.queries.size(), 3U * 2);
    EXPECT_EQ(trial.plants[0].depth, trial.queries[0].depth);
    for (const TaskQuery& query : trial.queries) {
      ASSERT_EQ(query.expected.size(), 2U);
      for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_THAT(trial.plants[query.evidence[i]].text, EndsWith(" is " + query.expected[i] + "."));
        EXPECT_EQ(query.expected[i].size(), 7U);
        if (query.form == "prefix") {
          EXPECT_THAT(trial.plants[query.evidence[i]].text, StartsWith(query.prompt + " "));
          all_values.insert(query.expected[i]);
        }
      }
    }
  }
  EXPECT_EQ(all_values.size(), 4U * 3 * 2);
  EXPECT_EQ(task.trials[0].plants[0].depth, 20);
  EXPECT_EQ(key_task(axes, {.keys = 3, .values = 2, .distractors = 5}).trials[3].plants[7].text,
            task.trials[3].plants[7].text);
}

TEST(KeyTask, DrawsKeysAndValuesOfTheKindsAskedFor) {
  const Task uuids = key_task({}, {.name = "uuid", .keys_are = "uuid", .values_are = "uuid"});
  EXPECT_EQ(uuids.trials[0].queries[0].expected[0].size(), 36U);
  const Task words = key_task({}, {.name = "words", .values_are = "word", .words = {"apple", "boat"}});
  EXPECT_THAT(words.trials[0].queries[0].expected[0], testing::AnyOf("apple", "boat"));
  EXPECT_THAT(words.description["words"].get<std::string>(), StartsWith("2 words"));
}

TEST(KeyTask, RefusesWhatCannotBe) {
  const auto error = [](const KeyTaskOptions& options) {
    return error_of<base::UsageError>([&] { (void)key_task({}, options); });
  };
  EXPECT_THAT(error({.keys = 0}), HasSubstr("at least one key"));
  EXPECT_THAT(error({.keys_are = "number"}), HasSubstr("kind of keys \"number\" is none of word, uuid"));
  EXPECT_THAT(error({.values_are = "x"}), HasSubstr("kind of values"));
  EXPECT_THAT(error({.values_are = "word", .distractors = 2, .words = {"apple", "boat"}}), HasSubstr("too few words"));
  EXPECT_THAT(error_of<base::UsageError>([] { (void)key_task({.depths = {-1}}, {}); }), HasSubstr("outside 0 to 100"));
}

TEST(ChainTask, NamesEachLinkByTheOneBefore) {
  const Task task = chain_task({.depths = {50}}, 3);
  const TaskTrial& trial = task.trials[0];
  const TaskQuery& query = trial.queries[0];
  ASSERT_EQ(query.expected.size(), 3U);
  EXPECT_EQ(trial.plants[0].text, query.prompt + " " + query.expected[0] + ".");
  EXPECT_EQ(trial.plants[2].text, "The entry " + query.expected[1] + " leads to " + query.expected[2] + ".");
  EXPECT_THAT(query.evidence, ElementsAre(0, 1, 2));
  EXPECT_THAT(error_of<base::UsageError>([] { (void)chain_task({}, 0); }), HasSubstr("at least one hop"));
}

TEST(PasskeyTask, TheLiteratureWordingStatesTheKeyTwice) {
  const Task task = passkey_task({.depths = {30}, .forms = {"question"}}, {parse_needle_kind("5")}, "literature");
  const TaskTrial& trial = task.trials[0];
  ASSERT_EQ(trial.plants.size(), 2U);
  EXPECT_EQ(trial.plants[0].depth, 0);
  const std::string& line = trial.plants[1].text;
  const std::string key = trial.queries[0].expected[0];
  EXPECT_NE(line.find(key), line.rfind(key));
  EXPECT_THAT(trial.queries[0].prompt, EndsWith("The pass key is"));
  EXPECT_THAT(trial.queries[0].evidence, ElementsAre(1));
  EXPECT_THAT(error_of<base::UsageError>([] { (void)passkey_task({}, {parse_needle_kind("5")}, "other"); }),
              HasSubstr("wording \"other\" is none of essay, literature"));
}

constexpr const char* kStories =
    "1 John went to the hallway.\n2 Mary went to the garden.\n3 Where is John? \thallway\t1\n4 John took the milk.\n"
    "5 What is John carrying?\tmilk,apple\t4 2\n1 Fred sat.\n2 How do you go?\ts,w\t1\n";

TEST(Babi, ReadsStoriesWithTheirEvidence) {
  const test::TemporaryFolder folder;
  const std::vector<BabiSample> samples = read_babi(folder.write("qa1_x.txt", kStories));
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_THAT(samples[0].facts, ElementsAre("John went to the hallway.", "Mary went to the garden."));
  EXPECT_THAT(samples[0].evidence, ElementsAre(0));
  EXPECT_THAT(samples[1].answers, ElementsAre("milk", "apple"));
  EXPECT_THAT(samples[1].evidence, ElementsAre(2, 1));  // lines 4 and 2; line 3 is a question
  EXPECT_THAT(samples[2].facts, ElementsAre("Fred sat."));
  EXPECT_THAT(samples[2].answers, ElementsAre("s,w"));
}

TEST(Babi, NamesTheLineThatIsNoFact) {
  const test::TemporaryFolder folder;
  const auto error = [&](const char* text) {
    return error_of<base::Error>([&] { (void)read_babi(folder.write("qa1.txt", text)); });
  };
  EXPECT_THAT(error("1 Fred sat.\nMary sat.\n"), HasSubstr("line 2: the line does not begin with a number"));
  EXPECT_THAT(error("1 Who?\tFred\n"), HasSubstr("line 1: the line needs a question"));
  EXPECT_THAT(error("1 Fred sat.\n2 Who?\tFred\t7\n"), HasSubstr("names the supporting fact 7"));
  EXPECT_THAT(error("1 Fred sat.\n"), HasSubstr("holds no question"));
}

TEST(Babi, FactsStandInTheirOrder) {
  const test::TemporaryFolder folder;
  folder.write("qa1_a_train.txt", "1 A b.\n2 Who?\tx\t1\n");
  folder.write("qa1_a_test.txt", kStories);
  const Task task = babi_task({.folder = folder.path(), .samples = 8});
  ASSERT_EQ(task.trials.size(), 8U);
  for (const TaskTrial& trial : task.trials) {
    EXPECT_EQ(trial.kind, "qa1");
    EXPECT_NE(trial.plants[0].text, "A b.");
    for (std::size_t i = 1; i < trial.plants.size(); ++i) EXPECT_LE(trial.plants[i - 1].depth, trial.plants[i].depth);
    EXPECT_TRUE(trial.queries[0].whole_words);
  }
  EXPECT_THAT(error_of<base::UsageError>([&] {
                (void)babi_task({folder.path(), {"qa21"}});
              }),
              HasSubstr("none of qa1 to qa20"));
  EXPECT_THAT(error_of<base::MissingInputError>([&] {
                (void)babi_task({folder.path(), {"qa2"}});
              }),
              HasSubstr("no file qa2_*.txt"));
}

std::string fact_list() {
  std::string text = "[";
  for (const char* name : {"Ann", "Bob", "Cid", "Dan"}) {
    text += std::string(text == "[" ? "" : ",") + R"({"prompt":"The town of )" + name + R"( is","ground_truth":"Old)" +
            name + R"(","target_new":"New)" + name + R"(","rephrase_prompt":"Where lives )" + name + R"(?"})";
  }
  return text + "]";
}

TEST(FactTask, WritesEditsAndForgets) {
  const test::TemporaryFolder folder;
  const Task task = fact_task({.file = folder.write("facts.json", fact_list()), .facts = 4});
  ASSERT_EQ(task.trials.size(), 3U);
  EXPECT_EQ(task.trials[0].plants.size(), 4U);
  EXPECT_EQ(task.trials[1].plants.size(), 4U);
  EXPECT_EQ(task.trials[2].plants.size(), 2U);
  EXPECT_THAT(task.trials[1].plants[0].text, HasSubstr("is New"));
  EXPECT_EQ(task.trials[1].queries[0].kind, "facts_edited");
  EXPECT_EQ(task.trials[1].queries[1].kind, "facts_kept");
  const TaskQuery& forgotten = task.trials[2].queries[0];
  EXPECT_EQ(forgotten.kind, "facts_forgotten");
  EXPECT_TRUE(forgotten.wanted == Wanted::kNone && forgotten.evidence.empty());
  const TaskQuery& retained = task.trials[2].queries[1];
  EXPECT_THAT(task.trials[2].plants[retained.evidence[0]].text, HasSubstr(retained.expected[0]));
}

TEST(FactTask, RefusesWhatIsNoFacts) {
  const test::TemporaryFolder folder;
  const auto error = [&](const std::string& text, std::uint64_t count) {
    return error_of<base::Error>([&] { (void)fact_task({.file = folder.write("f.json", text), .facts = count}); });
  };
  EXPECT_THAT(error("{", 2), HasSubstr("not a JSON list"));
  EXPECT_THAT(error("[{\"prompt\":\"x\"}]", 2), HasSubstr("record 1 is no fact to edit"));
  EXPECT_THAT(error("[]", 2), HasSubstr("holds no fact"));
  EXPECT_THAT(error(fact_list(), 5), HasSubstr("needs 2 to 4 facts"));
}

}  // namespace
}  // namespace larimar::eval

#include "launch/ingest_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/support/temporary_text.h"

namespace larimar::launch {
namespace {

using testing::HasSubstr;

store::Manifest empty_memory() {
  JobSetup setup;
  setup.seed = 3;
  return empty_manifest(setup, "model a", "keys b", 6, 8);
}

NewDocument document(const std::string& path, std::uint64_t content, std::uint64_t blocks = 2) {
  return {path, 100 * content, {content, content}, blocks};
}

TEST(IngestPlan, DocumentsAreNumberedByBlocksAndMarkedAsUnfinished) {
  const store::Manifest first = begin_documents(empty_memory(), {document("a", 1, 3), document("b", 2, 2)});
  EXPECT_EQ(first.state, store::MemoryState::kIngesting);
  EXPECT_EQ(first.next_block, 5U);
  EXPECT_EQ(first.documents[1].first_block, 3U);
  EXPECT_TRUE(std::filesystem::path(first.documents[0].path).is_absolute());
  EXPECT_EQ(first_unfinished(first), 0U);
  const store::Manifest done = complete(first);
  EXPECT_EQ(done.state, store::MemoryState::kComplete);
  EXPECT_EQ(first_unfinished(done), 2U);
  EXPECT_EQ(done.rules, empty_memory().rules) << "no mark stays";
  const store::Manifest more = begin_documents(done, {document("c", 3)});
  EXPECT_EQ(first_unfinished(more), 2U);
  EXPECT_EQ(more.documents[2].first_block, 5U);
  store::Manifest broken = more;
  broken.rules["unfinished_from"] = "two";
  EXPECT_THROW(static_cast<void>(first_unfinished(broken)), base::FormatError);
}

TEST(IngestPlan, UnknownDocumentsAreThoseOfOtherContentOrRemoved) {
  store::Manifest memory = complete(begin_documents(empty_memory(), {document("a", 1), document("b", 2)}));
  const std::vector<NewDocument> asked{document("moved", 1), document("b", 2), document("c", 3)};
  ASSERT_EQ(unknown_documents(asked, memory).size(), 1U);
  EXPECT_EQ(unknown_documents(asked, memory)[0].path, "c");
  memory.documents[1].removed = true;
  EXPECT_EQ(unknown_documents(asked, memory).size(), 2U);
}

TEST(IngestPlan, AnUnfinishedIngestGoesOnWithItsOwnDocumentsOnly) {
  const store::Manifest memory = begin_documents(complete(begin_documents(empty_memory(), {document("a", 1)})),
                                                 {document("b", 2), document("c", 3)});
  EXPECT_NO_THROW(check_same_documents(memory, {document("b", 2), document("elsewhere", 3)}));
  for (const std::vector<NewDocument>& others : {std::vector{document("b", 2)},
                                                 {document("c", 3), document("b", 2)},
                                                 {document("b", 2), document("c", 4)},
                                                 {}}) {
    try {
      check_same_documents(memory, others);
      ADD_FAILURE() << "other documents were accepted";
    } catch (const base::ConfigError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("2 documents"), HasSubstr("/b"), HasSubstr("unfinished")));
    }
  }
}

TEST(IngestPlan, SettingsThatDifferAreAllListed) {
  const store::Manifest memory = empty_memory();
  EXPECT_NO_THROW(check_same_settings(memory, memory));
  EXPECT_NO_THROW(check_same_settings(begin_documents(memory, {document("a", 1)}), memory)) << "the mark is no setting";
  JobSetup setup;
  setup.seed = 4;
  setup.key_mode = "prefix";
  setup.memory.ridge = 0.5;
  setup.rules.prefix_words = 3;
  setup.rules.strict = true;
  try {
    check_same_settings(memory, empty_manifest(setup, "model c", "keys d", 7, 9));
    ADD_FAILURE() << "other settings were accepted";
  } catch (const base::ConfigError& error) {
    for (const char* part : {"model is \"model a\" there and \"model c\" now", "keys is \"keys b\"",
                             "key mode is \"segment\"", "code size is \"6\"", "key size is \"8\"", "seed is \"3\"",
                             "ridge is \"0\" there and \"0.5\" now", "prefix_words", "strict is \"no\""})
      EXPECT_THAT(error.what(), HasSubstr(part));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("alpha")));
  }
  store::Manifest old = memory;
  old.rules.erase("alpha");
  EXPECT_THROW(check_same_settings(old, memory), base::ConfigError);
}

TEST(IngestPlan, TheSetupOfAMemoryIsWhatItWasMadeWith) {
  JobSetup setup;
  setup.seed = 9;
  setup.key_mode = "sentence";
  setup.memory.addressing = memory::Addressing::kTopK;
  setup.memory.aggregation = memory::Aggregation::kTopK;
  setup.rules.segments.form = text::SegmentForm::kWindow;
  setup.rules.segments.max_tokens = 41;
  setup.rules.prefix_words = 5;
  setup.rules.strict = true;
  const store::Manifest memory = empty_manifest(setup, "m", "k", 6, 8);
  const JobSetup found = setup_of(memory, JobSetup{});
  EXPECT_EQ(found.memory, setup.memory);
  EXPECT_EQ(found.key_mode, "sentence");
  EXPECT_EQ(found.seed, 9U);
  EXPECT_EQ(found.rules.segments.form, text::SegmentForm::kWindow);
  EXPECT_EQ(found.rules.segments.max_tokens, 41U);
  EXPECT_EQ(found.rules.prefix_words, 5U);
  EXPECT_TRUE(found.rules.strict);
  store::Manifest broken = memory;
  broken.rules["max_tokens"] = "many";
  EXPECT_THROW(static_cast<void>(setup_of(broken, JobSetup{})), base::FormatError);
}

TEST(IngestPlan, DocumentsOfACorpusAreDescribedByContentAndBlocks) {
  const support::TemporaryText files;
  const std::vector<std::filesystem::path> paths{files.write("a.txt", "One. Two.\n"),
                                                 files.write("b.txt", support::random_prose(50'000, 1)),
                                                 files.write("c.txt", "One. Two.\n")};
  const std::vector<NewDocument> documents = describe_documents(text::Corpus(paths));
  ASSERT_EQ(documents.size(), 3U);
  EXPECT_EQ(documents[0].bytes, 10U);
  EXPECT_EQ(documents[0].content, documents[2].content);
  EXPECT_FALSE(documents[0].content == documents[1].content);
  EXPECT_EQ(documents[0].blocks, 1U);
  EXPECT_GT(documents[1].blocks, 1U);
}

}  // namespace
}  // namespace larimar::launch

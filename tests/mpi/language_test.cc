// What a language model on the decoder ranks adds to a read, with one that needs no weights.
#include "launch/language.h"

#include <gtest/gtest.h>

#include "launch/text_messages.h"
#include "tests/mpi/ranks.h"
#include "tests/support/fake_code_reader.h"
#include "tests/support/fake_language.h"
#include "tests/support/fake_networks.h"

namespace larimar::test {
namespace {

std::vector<decoder::Passages> some_passages() {
  return {
      {"who?", {"nobody", "who knows", ""}}, {"", {"a", "b"}}, {"empty", {}}, {"XYZ", {"XYZ", "x"}}, {"five", {"5"}}};
}

TEST(Language, EveryQuestionGetsItsOwnResultsOnAnyNumberOfRanks) {
  support::FakeLanguage reference_model;
  const support::ByteTokenizer tokenizer;
  decoder::LanguageService reference(reference_model, tokenizer);
  const auto passages = some_passages();
  std::vector<std::vector<double>> likelihoods;
  std::vector<std::string> answers;
  for (const auto& one : passages) {
    likelihoods.push_back(reference.likelihoods(one));
    answers.push_back(reference.answer(one));
  }
  for (const int decoders : {1, 2, 3}) {
    on_every_rank([&](comm::Transport& transport) {
      const wire::RolePlan plan = wire::plan_roles(transport.size(), decoders);
      support::FakeLanguage model;
      decoder::LanguageService service(model, tokenizer);
      const bool decodes = plan.decoder_of(transport.rank()) >= 0;
      const launch::LanguageRanks ranks{transport, plan, decodes ? &service : nullptr};
      const bool root = transport.rank() == 0;
      const auto mine = root ? passages : std::vector<decoder::Passages>{};
      const auto found = launch::exchange_likelihoods(ranks, mine, passages.size());
      const auto worded = launch::exchange_answers(ranks, mine, passages.size());
      EXPECT_EQ(found, root ? likelihoods : decltype(likelihoods){});
      EXPECT_EQ(worded, root ? answers : decltype(answers){});
      EXPECT_TRUE(launch::exchange_answers(ranks, {}, 0).empty());
    });
  }
}

TEST(Language, AnswersOutOfCodesGoToTheQuestionsOwnRank) {
  const support::ByteTokenizer tokenizer;
  std::vector<decoder::Passages> passages;
  std::vector<std::string> expected;
  for (int q = 0; q < 5; ++q) {
    const bool is_read = q != 3;  // nothing was read for one
    linalg::Matrix codes = linalg::Matrix::Constant(is_read ? 2 : 0, 3, static_cast<float>(q));
    passages.push_back({"q" + std::to_string(q) + "?", {}, codes});
    const std::string number = std::to_string(q);
    expected.push_back(is_read ? number + " " + number + ": q" + number + "?" : "");
  }
  for (const int decoders : {1, 2, 3}) {
    on_every_rank([&](comm::Transport& transport) {
      const wire::RolePlan plan = wire::plan_roles(transport.size(), decoders);
      support::FakeCodeReader reader;
      decoder::CodeAnswers answers(reader, tokenizer);
      const bool decodes = plan.decoder_of(transport.rank()) >= 0, root = transport.rank() == 0;
      const launch::LanguageRanks ranks{transport, plan, nullptr, decodes ? &answers : nullptr};
      const auto worded =
          launch::exchange_answers(ranks, root ? passages : std::vector<decoder::Passages>{}, passages.size());
      EXPECT_EQ(worded, root ? expected : decltype(expected){});
    });
  }
}

TEST(Language, TextsOfAnyBytesArrive) {
  const std::vector<std::string> texts{"", std::string("a\0b", 3), "\xff\xfe", std::string(100'000, 'x'), ""};
  on_every_rank([&](comm::Transport& transport) {
    const int last = transport.size() - 1;
    if (last == 0) return;
    if (transport.rank() == 0) {
      launch::send_texts(transport, texts, last);
      launch::send_texts(transport, {}, last);
    } else if (transport.rank() == last) {
      EXPECT_EQ(launch::receive_texts(transport, 0), texts);
      EXPECT_TRUE(launch::receive_texts(transport, 0).empty());
    }
  });
}

}  // namespace
}  // namespace larimar::test

#include "launch/baseline_retrieval.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/ids.h"
#include "common/base/interrupt.h"
#include "coordinator/answers.h"
#include "coordinator/rerank.h"
#include "launch/eval_answers.h"

namespace larimar::launch {
namespace {

using eval::baseline::ContextPassages;
using eval::baseline::Passage;
using eval::baseline::Ranked;

constexpr double kEverythingInScope = std::numeric_limits<double>::lowest();

coordinator::Citation cite(const eval::Trial& trial, const ContextPassages& context, std::size_t number) {
  const Passage& passage = context[number];
  const std::size_t document = context.place(number).document;
  return {.document = trial.context[document],
          .byte_begin = passage.byte_begin,
          .byte_end = passage.byte_end,
          .line = passage.line,
          .excerpt = coordinator::read_excerpt(trial.context[document], passage.byte_begin, passage.byte_end),
          .segment = base::make_segment_id(document, passage.byte_begin).value};
}

}  // namespace

RetrievalBaseline::RetrievalBaseline(const text::Tokenizer& tokenizer, const text::SegmentRules& rules,
                                     const JobSetup& setup, eval::baseline::Ranker& ranker,
                                     decoder::LanguageService* language)
    : passages_(tokenizer, rules),
      reads_(setup.reads),
      candidates_(std::max(setup.candidates, setup.reads)),
      rerank_(setup.rerank),
      reader_(setup.reader),
      key_weight_(setup.key_weight.value()),
      ranker_(ranker),
      language_(language) {}

std::vector<eval::Answer> RetrievalBaseline::ask(const eval::Trial& trial) {
  const ContextPassages context = passages_.of(trial.context);
  std::vector<std::string> texts;
  for (const eval::Query& query : trial.queries) texts.push_back(to_query(query).text);
  // Two at least, for the margin.
  const std::size_t count = std::max<std::size_t>(rerank_ ? candidates_ : reads_, 2);
  std::vector<Ranking> rankings = ranker_.rank(context, texts, count);
  std::vector<eval::Answer> answers;
  for (std::size_t q = 0; q < trial.queries.size(); ++q)
    answers.push_back(answer(trial, trial.queries[q], context, std::move(rankings[q])));
  return answers;
}

void RetrievalBaseline::rerank(const std::string& question, const ContextPassages& context, Ranking& ranking) {
  decoder::Passages candidates{question, {}};
  for (const Ranked& one : ranking) candidates.texts.push_back(context[one.passage].text);
  const std::vector<double> likelihoods = language_->likelihoods(candidates);
  std::vector<float> scores;
  for (const Ranked& one : ranking) scores.push_back(static_cast<float>(one.score));
  Ranking next;
  for (const std::size_t from : coordinator::likeliest_first(likelihoods, scores, key_weight_))
    next.push_back(ranking[from]);
  ranking = std::move(next);
}

eval::Answer RetrievalBaseline::answer(const eval::Trial& trial, const eval::Query& query,
                                       const ContextPassages& context, Ranking ranking) {
  base::throw_if_interrupted();
  const coordinator::Query asked = to_query(query);
  const bool question = asked.form == coordinator::QueryForm::kQuestion;
  coordinator::AnswerSources sources;
  if (!ranking.empty()) sources.score = ranking.front().score;
  if (ranking.size() > 1) sources.margin = ranking[0].score - ranking[1].score;
  if (question && rerank_ && !ranking.empty()) rerank(asked.text, context, ranking);
  ranking.resize(std::min(ranking.size(), reads_));
  for (const Ranked& one : ranking) {
    sources.decoded.push_back(context[one.passage].text);
    sources.citations.push_back(cite(trial, context, one.passage));
    sources.citations.back().weight = sources.citations.size() == 1 ? 1.0 : 0.0;
  }
  if (question && reader_) sources.worded = language_->answer({asked.text, sources.decoded});
  return to_answer(coordinator::assemble_answer(asked, std::move(sources), kEverythingInScope));
}

}  // namespace larimar::launch

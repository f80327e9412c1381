#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "common/text/segmenter.h"
#include "decoder/language_service.h"
#include "eval/baseline/segments.h"
#include "eval/trial.h"
#include "launch/setup.h"

namespace larimar::launch {

/// Retrieval without a memory: the best passages of the context are read as they stand in it, and the answer is made out of
/// them as out of decoded texts (coordinator::assemble_answer): a prefix is aligned with them, a question is answered by the
/// first of them or by the reader's words. With setup.rerank the best `candidates` of a question are ordered by likelihood
/// and setup.key_weight first, which must be there. Tokenizer, ranker and language service are borrowed; the last is null where setup needs none.
class RetrievalBaseline {
 public:
  RetrievalBaseline(const text::Tokenizer& tokenizer, const text::SegmentRules& rules, const JobSetup& setup,
                    eval::baseline::Ranker& ranker, decoder::LanguageService* language);

  /// Answers with citations. Throws as PassageMaker::of and what ranker and language model throw. Local.
  [[nodiscard]] std::vector<eval::Answer> ask(const eval::Trial& trial);

 private:
  using Ranking = std::vector<eval::baseline::Ranked>;
  eval::Answer answer(const eval::Trial& trial, const eval::Query& query,
                      const eval::baseline::ContextPassages& context, Ranking ranking);
  void rerank(const std::string& question, const eval::baseline::ContextPassages& context, Ranking& ranking);

  eval::baseline::PassageMaker passages_;
  std::size_t reads_, candidates_;
  bool rerank_, reader_;
  double key_weight_;
  eval::baseline::Ranker& ranker_;
  decoder::LanguageService* language_;
};

}  // namespace larimar::launch

#include "launch/eval_answers.h"

namespace larimar::launch {

coordinator::Query to_query(const eval::Query& query) {
  const bool prefix = !query.prefix.empty();
  return {query.id, prefix ? coordinator::QueryForm::kPrefix : coordinator::QueryForm::kQuestion,
          prefix ? query.prefix : query.question, 0};
}

eval::Answer to_answer(const coordinator::AnswerRecord& record) {
  eval::Answer answer{
      record.id, record.answer, record.decoded, record.score, record.margin.value_or(0.0), record.in_scope, {}};
  for (const auto& cited : record.citations) {
    answer.citations.push_back({cited.document, cited.byte_begin, cited.byte_end, cited.line, cited.excerpt,
                                cited.segment, cited.shard, cited.weight});
  }
  return answer;
}

}  // namespace larimar::launch

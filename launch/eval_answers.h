#pragma once
#include "coordinator/answers.h"
#include "eval/trial.h"

namespace larimar::launch {

/// What an evaluation asks, as a job takes it, and what a job answers, as an evaluation scores it. Local.
[[nodiscard]] coordinator::Query to_query(const eval::Query& query);
[[nodiscard]] eval::Answer to_answer(const coordinator::AnswerRecord& record);

}  // namespace larimar::launch

#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/model/encoders.h"
#include "coordinator/answers.h"
#include "coordinator/coordinator_service.h"

namespace larimar::launch {

/// Seconds that a batch of queries took.
struct AskTimes {
  double keys = 0, read = 0, decode = 0;
  AskTimes& operator+=(const AskTimes& other);
};

/// Read keys of the queries [queries, D]. Local.
[[nodiscard]] linalg::Matrix read_keys(model::KeyEncoder& encoder, std::span<const coordinator::Query> queries);

/// Texts, scores and sources of a batch become answers with citations, appended in the order of the queries.
/// Shapes  texts [queries * read.reads]. Local; reads excerpts from the documents.
void append_answers(std::span<const coordinator::Query> queries, const coordinator::BatchRead& read,
                    std::span<const std::string> texts, std::span<const std::filesystem::path> documents, double scope,
                    const AskTimes& times, std::vector<coordinator::AnswerRecord>& answers);

}  // namespace larimar::launch

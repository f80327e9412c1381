#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/model/encoders.h"
#include "coordinator/answers.h"
#include "coordinator/rerank.h"

namespace larimar::launch {

/// Seconds that a batch of queries took.
struct AskTimes {
  double keys = 0, read = 0, decode = 0, ranking = 0, language = 0;
  AskTimes& operator+=(const AskTimes& other);
};

/// Read keys of the queries [queries, D]. Local.
[[nodiscard]] linalg::Matrix read_keys(model::KeyEncoder& encoder, std::span<const coordinator::Query> queries);

/// A batch of queries that was read and decoded.
struct AnsweredBatch {
  std::span<const coordinator::Query> queries;
  coordinator::DecodedRead decoded;              // in the order that the answer lists
  std::vector<double> best_score;                // [queries] of the nearest key, whatever the order; 0 without any
  std::vector<std::vector<double>> likelihoods;  // [queries] of the texts as they stand; empty if not reranked
  std::vector<std::string> worded;               // [queries] a reader's answers; empty without a reader
  AskTimes times;
};

/// Texts, scores and sources of a batch become answers with citations, appended in the order of the queries.
/// Local; reads excerpts from the documents.
void append_answers(const AnsweredBatch& batch, std::span<const std::filesystem::path> documents, double scope,
                    std::vector<coordinator::AnswerRecord>& answers);

}  // namespace larimar::launch

#include "launch/answering.h"

#include <utility>

namespace larimar::launch {
namespace {

coordinator::Citation cite(const wire::CodeRecord& record, std::span<const std::filesystem::path> documents,
                           double weight) {
  const std::filesystem::path& document = documents[record.document];
  return {document,
          record.byte_begin,
          record.byte_end,
          record.line,
          coordinator::read_excerpt(document, record.byte_begin, record.byte_end),
          record.segment.value,
          record.shard.value,
          weight};
}

}  // namespace

AskTimes& AskTimes::operator+=(const AskTimes& other) {
  keys += other.keys;
  read += other.read;
  decode += other.decode;
  ranking += other.ranking;
  language += other.language;
  return *this;
}

linalg::Matrix read_keys(model::KeyEncoder& encoder, std::span<const coordinator::Query> queries) {
  // One by one: on some processors the last bits of a key depend on the texts that are encoded with it, and an answer must not.
  linalg::Matrix keys(static_cast<linalg::Index>(queries.size()), static_cast<linalg::Index>(encoder.key_size()));
  for (std::size_t q = 0; q < queries.size(); ++q)
    keys.row(static_cast<linalg::Index>(q)) = encoder.encode(std::vector<std::string>{queries[q].text});
  return keys;
}

void append_answers(const AnsweredBatch& batch, std::span<const std::filesystem::path> documents, double scope,
                    std::vector<coordinator::AnswerRecord>& answers) {
  const coordinator::BatchRead& read = batch.decoded.read;
  const std::size_t k = read.records.size() / batch.queries.size();
  const auto share = static_cast<double>(batch.queries.size());
  for (std::size_t q = 0; q < batch.queries.size(); ++q) {
    coordinator::AnswerSources sources;
    for (std::size_t i = 0; i < read.reads; ++i) {
      if (read.records[q * k + i].status != wire::ReadStatus::kEmpty)
        sources.decoded.push_back(batch.decoded.texts[q * read.reads + i]);
    }
    for (std::size_t i = 0; i < k; ++i) {
      const wire::CodeRecord& record = read.records[q * k + i];
      if (record.status == wire::ReadStatus::kEmpty) break;
      sources.citations.push_back(cite(record, documents, read.weights[q * k + i]));
    }
    sources.score = batch.best_score[q];
    if (!batch.likelihoods.empty()) sources.likelihoods = batch.likelihoods[q];
    if (read.margin[q]) sources.margin = static_cast<double>(*read.margin[q]);
    if (!batch.worded.empty()) sources.worded = batch.worded[q];
    sources.timings = {{"read_key", batch.times.keys / share},
                       {"read", batch.times.read / share},
                       {"decode", batch.times.decode / share}};
    if (batch.times.ranking > 0) sources.timings["ranking"] = batch.times.ranking / share;
    if (batch.times.language > 0) sources.timings["language"] = batch.times.language / share;
    answers.push_back(coordinator::assemble_answer(batch.queries[q], std::move(sources), scope));
  }
}

}  // namespace larimar::launch

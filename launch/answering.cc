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
  return *this;
}

linalg::Matrix read_keys(model::KeyEncoder& encoder, std::span<const coordinator::Query> queries) {
  std::vector<std::string> texts;
  for (const coordinator::Query& query : queries) texts.push_back(query.text);
  return encoder.encode(texts);
}

void append_answers(std::span<const coordinator::Query> queries, const coordinator::BatchRead& read,
                    std::span<const std::string> texts, std::span<const std::filesystem::path> documents, double scope,
                    const AskTimes& times, std::vector<coordinator::AnswerRecord>& answers) {
  const std::size_t k = read.records.size() / queries.size();
  const auto share = static_cast<double>(queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    coordinator::AnswerSources sources;
    for (std::size_t i = 0; i < read.reads; ++i) {
      if (read.records[q * k + i].status != wire::ReadStatus::kEmpty)
        sources.decoded.push_back(texts[q * read.reads + i]);
    }
    for (std::size_t i = 0; i < k; ++i) {
      const wire::CodeRecord& record = read.records[q * k + i];
      if (record.status == wire::ReadStatus::kEmpty) break;
      sources.citations.push_back(cite(record, documents, read.weights[q * k + i]));
    }
    sources.score = sources.citations.empty() ? 0.0 : static_cast<double>(read.scores[q * k]);
    if (read.margin[q]) sources.margin = static_cast<double>(*read.margin[q]);
    sources.timings = {
        {"read_key", times.keys / share}, {"read", times.read / share}, {"decode", times.decode / share}};
    answers.push_back(coordinator::assemble_answer(queries[q], std::move(sources), scope));
  }
}

}  // namespace larimar::launch

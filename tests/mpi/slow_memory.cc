#include <algorithm>
#include <limits>

#include "tests/mpi/memory_world.h"

namespace larimar::test {

SlowMemory::SlowMemory(const std::string& context, shard::KeyMode key_mode) {
  support::TemporaryText files;
  const text::Corpus corpus(std::vector{files.write("context.txt", context)});
  support::ByteTokenizer tokenizer;
  support::FakeCodes code_encoder(kCodeSize);
  support::FakeKeys key_encoder(kKeySize);
  text::SegmentRules rules;
  rules.max_tokens = std::min(rules.max_tokens, code_encoder.max_tokens());
  std::vector<linalg::RowVector> code_rows;
  for (const text::BlockRef& block : corpus.blocks()) {
    const std::uint64_t begin = text::block_start(context, block.begin), end = text::block_start(context, block.end);
    for (const text::Segment& segment :
         text::cut_segments(std::string_view(context).substr(begin, end - begin), tokenizer, rules)) {
      const std::uint64_t at = begin + segment.span.begin;
      rows.push_back({base::make_segment_id(0, at), at, begin + segment.span.end,
                      1 + static_cast<std::uint64_t>(
                              std::count(context.begin(), context.begin() + static_cast<std::ptrdiff_t>(at), '\n'))});
      code_rows.push_back(code_encoder.encode(std::vector<std::vector<text::TokenId>>{segment.tokens}).row(0));
      std::vector<std::string> texts{segment.text};
      if (key_mode == shard::KeyMode::kPrefix)
        texts = {std::string(text::first_words(segment.text, shard::EncodingRules{}.prefix_words))};
      if (key_mode == shard::KeyMode::kSentence) {
        texts.clear();
        for (const text::Span span : segment.sentences) texts.push_back(segment.text.substr(span.begin, span.size()));
      }
      for (const std::string& text : texts) {
        keys.emplace_back(key_encoder.encode(std::vector{text}).row(0));
        owner.push_back(rows.size() - 1);
      }
    }
  }
  codes.resize(static_cast<linalg::Index>(code_rows.size()), kCodeSize);
  for (std::size_t i = 0; i < code_rows.size(); ++i) codes.row(static_cast<linalg::Index>(i)) = code_rows[i];
}

float SlowMemory::dot(const float* x, const float* y, std::size_t size) {
  float lanes[16] = {};
  for (std::size_t i = 0; i < size; ++i) {
    const volatile float product = x[i] * y[i];  // rounded before it is added
    lanes[i % 16] += product;
  }
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

std::vector<std::pair<float, std::size_t>> SlowMemory::ranking(linalg::ConstMatrixRef key) const {
  std::vector<std::pair<float, std::size_t>> ranked;
  for (std::size_t i = 0; i < rows.size(); ++i) ranked.emplace_back(-std::numeric_limits<float>::infinity(), i);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    float& best = ranked[owner[i]].first;
    best = std::max(best, dot(key.data(), keys[i].data(), static_cast<std::size_t>(key.cols())));
  }
  std::ranges::stable_sort(ranked, [](const auto& a, const auto& b) { return a.first > b.first; });
  return ranked;
}

}  // namespace larimar::test

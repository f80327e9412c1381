#include "shard/block_encoder.h"

#include <algorithm>
#include <numeric>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/text/unicode.h"

namespace larimar::shard {
namespace {

constexpr std::size_t kBatchTokens = 2048;  // padded tokens encoded together

std::vector<SegmentPlace> places_of(std::string_view block, const std::vector<text::Segment>& segments) {
  std::vector<SegmentPlace> places;
  places.reserve(segments.size());
  std::uint64_t line = 0;
  std::size_t counted = 0;
  for (const text::Segment& segment : segments) {
    const std::string_view skipped = block.substr(counted, segment.span.begin - counted);
    line += static_cast<std::uint64_t>(std::ranges::count(skipped, '\n'));
    counted = segment.span.begin;
    places.push_back({segment.span, line});
  }
  return places;
}

}  // namespace

BlockEncoder::BlockEncoder(model::CodeEncoder& codes, model::KeyEncoder& keys, const text::Tokenizer& tokenizer,
                           const EncodingRules& rules)
    : codes_(codes), keys_(keys), tokenizer_(tokenizer), rules_(rules) {
  rules_.segments.max_tokens = std::min(rules_.segments.max_tokens, codes_.max_tokens());
}

EncodedBlock BlockEncoder::encode(std::string_view block, const BlockOrigin& origin) {
  check_lines(block, origin);
  std::string masked;
  EncodedBlock result;
  if (const std::size_t bad = text::find_invalid_utf8(block); bad != std::string::npos) {
    if (rules_.strict) {
      throw base::FormatError(
          origin.document.string() + ": byte " + std::to_string(origin.byte + bad) +
          " is not valid UTF-8 text; convert the file, or leave --strict off to read such bytes as '?'");
    }
    masked = block;
    result.masked_bytes = text::mask_invalid_utf8(masked);
    block = masked;
  }
  base::Stopwatch watch;
  const std::vector<text::Segment> segments = text::cut_segments(block, tokenizer_, rules_.segments);
  result.places = places_of(block, segments);
  for (const text::Segment& segment : segments) result.tokens += segment.tokens.size();
  times_.segmenting += watch.seconds();

  watch.restart();
  result.codes = encode_codes(segments);
  times_.codes += watch.seconds();

  watch.restart();
  encode_keys(segments, result);
  times_.keys += watch.seconds();
  return result;
}

void BlockEncoder::check_lines(std::string_view block, const BlockOrigin& origin) const {
  std::uint64_t line = origin.line;
  for (std::size_t begin = 0; begin < block.size(); ++line) {
    const std::size_t end = std::min(block.find('\n', begin), block.size());
    if (end - begin > rules_.max_line_bytes) {
      throw base::FormatError(origin.document.string() + ": line " + std::to_string(line) + " (byte " +
                              std::to_string(origin.byte + begin) + ") has " + std::to_string(end - begin) +
                              " bytes without a line end, more than --max-line " +
                              std::to_string(rules_.max_line_bytes) + "; is this a text file?");
    }
    begin = end + 1;
  }
}

linalg::Matrix BlockEncoder::encode_codes(const std::vector<text::Segment>& segments) {
  linalg::Matrix codes(static_cast<linalg::Index>(segments.size()), codes_.code_size());
  std::vector<std::size_t> order(segments.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return segments[i].tokens.size(); });
  for (std::size_t at = 0; at < order.size();) {
    std::vector<std::vector<text::TokenId>> batch;
    for (std::size_t i = at; i < order.size(); ++i) {  // lengths rise: the last one decides the padding
      const auto& tokens = segments[order[i]].tokens;
      if (!batch.empty() && (batch.size() + 1) * (tokens.size() + 1) > kBatchTokens) break;
      batch.push_back(tokens);
    }
    base::throw_if_interrupted();
    const linalg::Matrix part = codes_.encode(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      codes.row(static_cast<linalg::Index>(order[at + i])) = part.row(static_cast<linalg::Index>(i));
    }
    at += batch.size();
  }
  return codes;
}

void BlockEncoder::encode_keys(const std::vector<text::Segment>& segments, EncodedBlock& block) {
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    const text::Segment& segment = segments[i];
    switch (rules_.key_mode) {
      case KeyMode::kPrefix:
        texts.emplace_back(text::first_words(segment.text, rules_.prefix_words));
        break;
      case KeyMode::kSegment:
        texts.push_back(segment.text);
        break;
      case KeyMode::kSentence:
        for (const text::Span span : segment.sentences) texts.push_back(segment.text.substr(span.begin, span.size()));
        break;
    }
    block.key_owner.resize(texts.size(), i);
  }
  base::throw_if_interrupted();
  block.keys = keys_.encode(texts);
}

}  // namespace larimar::shard

#include "common/text/segmenter.h"

#include <utility>

#include "common/base/contracts.h"

namespace larimar::text {
namespace {

bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
bool is_clause_end(char c) { return c == ',' || c == ';' || c == ':' || c == ')'; }

std::size_t count_tokens(std::string_view text, const Tokenizer& tokenizer) {
  return tokenizer.encode(collapse_white_space(text)).size();
}

// A word of more bytes is never encoded whole: it would cost too much for each piece that is cut off.
std::size_t longest_word(std::size_t max_tokens) { return max_tokens * 8; }

// A sentence of more bytes is looked at through a window of that size.
std::size_t window_size(std::size_t max_tokens) { return max_tokens * 64; }

// A long prefix of a text without white space that fits, cut between code points. At least one code point.
std::size_t fitting_bytes(std::string_view text, const Tokenizer& tokenizer, std::size_t max_tokens) {
  std::size_t length = std::min(text.size(), longest_word(max_tokens));
  while (length > 1) {
    while (length > 1 && length < text.size() && is_continuation(text[length])) --length;
    if (tokenizer.encode(text.substr(0, length)).size() <= max_tokens) break;
    length = length * 3 / 4;
  }
  while (length < text.size() && is_continuation(text[length])) ++length;
  return length;
}

// Ends of the words of a text, as byte positions.
std::vector<std::size_t> word_ends(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 1; at <= text.size(); ++at) {
    if (!is_white(text[at - 1]) && (at == text.size() || is_white(text[at]))) ends.push_back(at);
  }
  return ends;
}

// Where to cut a sentence that is too long: after as many words as fit, at a clause end if one lies in the second half.
std::size_t cut_position(std::string_view sentence, const Tokenizer& tokenizer, std::size_t max_tokens) {
  const std::vector<std::size_t> ends = word_ends(sentence);
  std::size_t tokens = 0, words = 0, begin = 0;
  while (words < ends.size()) {
    if (ends[words] - begin > longest_word(max_tokens)) break;
    tokens +=
        tokenizer.encode(collapse_white_space(sentence.substr(begin, ends[words] - begin)).insert(0, 1, ' ')).size();
    if (tokens > max_tokens) break;
    begin = ends[words++];
  }
  while (words > 1 && count_tokens(sentence.substr(0, ends[words - 1]), tokenizer) > max_tokens) --words;
  if (words == 0 || count_tokens(sentence.substr(0, ends[words - 1]), tokenizer) > max_tokens) {
    return fitting_bytes(sentence.substr(0, ends[0]), tokenizer, max_tokens);
  }
  for (std::size_t i = words; i > words / 2 && i > 1; --i) {
    if (is_clause_end(sentence[ends[i - 1] - 1])) return ends[i - 1];
  }
  return ends[words - 1];
}

// The start of a sentence that is too long: enough to find the cut, so that a very long line costs linear time. Ends at
// a word's end, or between code points if it is all one word.
std::string_view window_of(std::string_view sentence, std::size_t max_tokens) {
  std::size_t end = window_size(max_tokens);
  if (sentence.size() <= end) return sentence;
  std::size_t white = end;
  while (white > 0 && !is_white(sentence[white])) --white;
  if (white > 0) return sentence.substr(0, white);
  while (is_continuation(sentence[end])) --end;
  return sentence.substr(0, end);
}

// Tokens of a sentence, or max_tokens + 1 if it is so long that it needs no count.
std::size_t count_up_to(std::string_view sentence, const Tokenizer& tokenizer, std::size_t max_tokens) {
  const std::string text = collapse_white_space(sentence);
  return text.size() > window_size(max_tokens) ? max_tokens + 1 : tokenizer.encode(text).size();
}

// Sentences of at most max_tokens each.
std::vector<std::pair<Span, std::size_t>> fitting_sentences(std::string_view block, const Tokenizer& tokenizer,
                                                            std::size_t max_tokens) {
  std::vector<std::pair<Span, std::size_t>> pieces;
  for (Span rest : find_sentences(block)) {
    std::size_t tokens = count_up_to(block.substr(rest.begin, rest.size()), tokenizer, max_tokens);
    while (tokens > max_tokens) {
      const std::string_view window = window_of(block.substr(rest.begin, rest.size()), max_tokens);
      const std::size_t length = cut_position(window, tokenizer, max_tokens);
      pieces.emplace_back(Span{rest.begin, rest.begin + length}, count_tokens(window.substr(0, length), tokenizer));
      rest.begin += length;
      while (rest.begin < rest.end && is_white(block[rest.begin])) ++rest.begin;
      // A long remainder needs no exact count, only the knowledge that it is too long.
      const std::string_view left = block.substr(rest.begin, rest.size());
      tokens = left.size() > window_size(max_tokens) ? max_tokens + 1 : count_tokens(left, tokenizer);
    }
    if (rest.size() > 0) pieces.emplace_back(rest, tokens);
  }
  return pieces;
}

Segment make_segment(std::string_view block, std::span<const std::pair<Span, std::size_t>> pieces,
                     const Tokenizer& tokenizer) {
  Segment segment;
  segment.span = {pieces.front().first.begin, pieces.back().first.end};
  for (const auto& [span, tokens] : pieces) {
    if (!segment.text.empty()) segment.text += ' ';
    const std::size_t begin = segment.text.size();
    segment.text += collapse_white_space(block.substr(span.begin, span.size()));
    segment.sentences.push_back({begin, segment.text.size()});
  }
  segment.tokens = tokenizer.encode(segment.text);
  return segment;
}

}  // namespace

std::string collapse_white_space(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool pending = false;
  for (const char c : text) {
    if (is_white(c)) {
      pending = !result.empty();
      continue;
    }
    if (std::exchange(pending, false)) result += ' ';
    result += c;
  }
  return result;
}

std::string_view first_words(std::string_view text, std::size_t n) {
  std::size_t words = 0;
  for (std::size_t at = 1; at <= text.size(); ++at) {
    const bool ends = !is_white(text[at - 1]) && (at == text.size() || is_white(text[at]));
    if (ends && ++words == n) return text.substr(0, at);
  }
  return text;
}

std::vector<std::string_view> cut_blocks(std::string_view text) {
  constexpr std::size_t kBlockBytes = std::size_t{1} << 16;
  std::vector<std::string_view> blocks;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', std::min(at + kBlockBytes, text.size() - 1)), text.size());
    blocks.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return blocks;
}

std::vector<Segment> cut_segments(std::string_view block, const Tokenizer& tokenizer, const SegmentRules& rules) {
  LARIMAR_EXPECT(rules.max_tokens >= 4);
  const auto pieces = fitting_sentences(block, tokenizer, rules.max_tokens);
  std::vector<Segment> segments;
  for (std::size_t first = 0; first < pieces.size();) {
    std::size_t last = first + 1, tokens = pieces[first].second, tail = 0;
    // A full sentence takes short ones behind it, so that the next full one keeps its own beginning, which may be its key.
    const auto takes_tail = [&] {
      const std::size_t next = pieces[last].second;
      return pieces[first].second >= rules.min_tokens && next < rules.min_tokens && tail + next < 2 * rules.min_tokens;
    };
    const auto wants_more = [&] {
      return rules.form == SegmentForm::kWindow || tokens < rules.min_tokens || takes_tail();
    };
    // One token of slack: joining turns the first piece of the next sentence into one with a leading space.
    while (last < pieces.size() && wants_more() && tokens + pieces[last].second + 1 <= rules.max_tokens) {
      tail += pieces[last].second;
      tokens += pieces[last++].second + 1;
    }
    segments.push_back(make_segment(block, std::span(pieces).subspan(first, last - first), tokenizer));
    if (segments.back().tokens.size() > rules.max_tokens &&
        last - first > 1) {  // the slack was not enough: keep them apart
      segments.back() = make_segment(block, std::span(pieces).subspan(first, 1), tokenizer);
      last = first + 1;
    }
    LARIMAR_ENSURE(segments.back().tokens.size() <= rules.max_tokens);
    first = last;
  }
  return segments;
}

}  // namespace larimar::text

#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/text/sentences.h"
#include "common/text/tokenizer.h"

namespace larimar::text {

enum class SegmentForm {
  kSentence,  // one sentence; very short ones joined with a neighbour, long ones cut
  kWindow,    // consecutive sentences packed up to max_tokens
};

struct SegmentRules {
  SegmentForm form = SegmentForm::kSentence;
  std::size_t max_tokens = 63;  // pieces; the end-of-text token comes on top
  std::size_t min_tokens = 6;   // a sentence below this joins the one before it, else the next one, if both fit
};

/// A piece of a block that gets one code. Text has its white space runs made single spaces; the span says where the
/// original bytes lie in the block, white space around it excluded.
struct Segment {
  Span span;
  std::string text;
  std::vector<TokenId> tokens;  // of text, at most max_tokens; none only where the tokenizer drops all of it
  std::vector<Span> sentences;  // of text, at least one
};

/// Cuts a long text at line ends into blocks of about 64 KiB, for cut_segments. Only newlines between blocks are left out.
[[nodiscard]] std::vector<std::string_view> cut_blocks(std::string_view text);

/// Cuts a block of valid UTF-8 into segments, in order; every byte that is not white space lies in exactly one of them.
/// Depends on the block and the rules alone, never on ranks. Local; linear in the block.
[[nodiscard]] std::vector<Segment> cut_segments(std::string_view block, const Tokenizer& tokenizer,
                                                const SegmentRules& rules);

/// White space runs become one space; none at the ends.
[[nodiscard]] std::string collapse_white_space(std::string_view text);

/// The first n words of a text (all of it if it has fewer).
[[nodiscard]] std::string_view first_words(std::string_view text, std::size_t n);

}  // namespace larimar::text

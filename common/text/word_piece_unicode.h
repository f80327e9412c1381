#pragma once
#include <cstdint>

/// Classes of code points as BERT's reference tokenizer knows them. Its tables are those of an older Unicode, so marks and
/// punctuation that came later are ordinary letters here; a test compares every code point.
namespace larimar::text::bert {

using CodePoint = std::int32_t;

[[nodiscard]] bool is_blank(CodePoint c);        // White_Space
[[nodiscard]] bool is_control(CodePoint c);      // Cc, Cf, Co, but not tab and line ends
[[nodiscard]] bool is_punctuation(CodePoint c);  // P*, and every ASCII sign
[[nodiscard]] bool is_accent(CodePoint c);       // Mn
[[nodiscard]] bool is_chinese(CodePoint c);      // ideographs; kana and hangul are not among them

}  // namespace larimar::text::bert

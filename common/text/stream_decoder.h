#pragma once
#include <memory>
#include <string>

#include "common/text/tokenizer.h"

namespace larimar::text {

/// Text of ids that come one by one, for showing it while it is generated. What push() and finish() return, put together,
/// is what decode() gives for all ids. A code point is never cut in two; bytes that are none come as decode() has them.
/// With byte fallback a run of byte tokens is held until it ends, since only then it is known to be text.
/// Belongs to one thread; must not outlive the tokenizer.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, SpecialTokens specials = SpecialTokens::kSkip);

  /// The text that is complete with this id; may be empty.
  [[nodiscard]] std::string push(TokenId id);
  /// What is left. Afterwards nothing may be pushed.
  [[nodiscard]] std::string finish();

 private:
  std::unique_ptr<DecodeState> state_;
  std::string held_;  // the begin of a code point
};

}  // namespace larimar::text

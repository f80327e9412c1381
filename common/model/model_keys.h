#pragma once
#include <memory>

#include "common/model/encoders.h"

namespace larimar::model {

enum class KeyLength {
  kUnit,   // scaled to length 1 (`--keys model`)
  kCodes,  // the codes as they are (`--keys code`), as the reference addresses its memory: no score is a cosine
};

/// Keys from the code encoder itself: a text's code. Needs no second network; finds text that begins alike, not
/// paraphrases. A text longer than the encoder takes counts with its beginning. Encoder and tokenizer are borrowed.
[[nodiscard]] std::unique_ptr<KeyEncoder> make_model_keys(CodeEncoder& encoder, const text::Tokenizer& tokenizer,
                                                          KeyLength length = KeyLength::kUnit);

}  // namespace larimar::model

#pragma once
#include <memory>

#include "common/model/encoders.h"

namespace larimar::model {

/// Keys from the code encoder itself: a text's code, scaled to length 1 (`--keys model`). Needs no second network; finds
/// text that begins alike, not paraphrases. A text longer than the encoder takes counts with its beginning.
/// Both arguments must outlive the result.
[[nodiscard]] std::unique_ptr<KeyEncoder> make_model_keys(CodeEncoder& encoder, const text::Tokenizer& tokenizer);

}  // namespace larimar::model

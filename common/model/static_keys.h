#pragma once
#include <memory>

#include "common/model/encoders.h"
#include "common/model/static_table.h"

namespace larimar::model {

/// Keys without a network: the sum of the vectors of a text's pieces, scaled to length 1. The order of words does not count. A
/// text without pieces has a key of zeros, which is similar to nothing. A key has the same bits whatever is encoded with it.
/// Copies the table, owns the tokenizer (the one whose pieces the table has). Throws ConfigError if their numbers differ;
/// NumericalError if the table has a number that is not finite.
/// Cost    encode(): D additions a piece, less than cutting the text into pieces.
[[nodiscard]] std::unique_ptr<KeyEncoder> make_static_keys(const StaticTable& table,
                                                           std::unique_ptr<const text::Tokenizer> tokenizer);

}  // namespace larimar::model

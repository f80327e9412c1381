#pragma once
#include <memory>

#include "common/model/encoders.h"
#include "eval/baseline/segments.h"

namespace larimar::eval::baseline {

/// A ranker by the dot product of keys of whole passages with the query's, which is the cosine of keys of unit length; every
/// passage is looked at. Keys are made once for a text and kept while it lives. The encoder is borrowed. Not shared between
/// threads; local.
/// Cost    keys of new texts; 2 D flops for each passage and query. Memory: 8 D bytes a passage.
[[nodiscard]] std::unique_ptr<Ranker> make_cosine_ranker(model::KeyEncoder& encoder);

}  // namespace larimar::eval::baseline

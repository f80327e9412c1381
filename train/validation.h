#pragma once
#include "train/lesson.h"
#include "train/segment_file.h"
#include "train/shared_gradient.h"

namespace larimar::train {

/// What a model is judged by. Borrowed.
struct ValidationText {
  const SegmentFile& segments;
  const model::CompactConfig& sizes;
  torch::Device device;
};

/// How well a lesson does on a fixed spread of the segments, without disturbance, in batches of which part `part` of `parts` is
/// done here. Counts of all parts add up to the same whatever their number. The loss is left 0. Local.
[[nodiscard]] Tally validate_part(Lesson& lesson, std::int64_t step, const ValidationText& text, int part, int parts);

}  // namespace larimar::train

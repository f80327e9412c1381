#pragma once
#include "common/model/compact_network.h"
#include "train/segment_file.h"
#include "train/shared_gradient.h"

namespace larimar::train {

/// How well a network decodes a fixed spread of the segments, without disturbance, in batches of which part `part` of `parts` is
/// done here. Counts of all parts add up to the same whatever their number. The loss is left 0. Local.
[[nodiscard]] Tally validate_part(model::CompactNetworkImpl& network, const SegmentFile& segments,
                                  const model::CompactConfig& sizes, int part, int parts);

}  // namespace larimar::train

#pragma once
#include "common/base/ids.h"

namespace larimar::shard {

/// Whose key a row is.
struct KeyOwner {
  base::SlotIndex slot{};
  base::SegmentId segment{};
};

}  // namespace larimar::shard

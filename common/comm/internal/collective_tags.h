#pragma once
#include "common/comm/transport.h"

namespace larimar::comm {

// Tags that users cannot have. Messages of one source and tag keep their order and all ranks call collectives in the same
// order, so one tag for each verb is enough.
inline constexpr Tag kBroadcastTag{kTagLimit}, kAllGatherTag{kTagLimit + 1}, kGatherTag{kTagLimit + 2},
    kMergeTag{kTagLimit + 3}, kBarrierTag{kTagLimit + 4};

/// What a wait for such a message is called in an error.
[[nodiscard]] constexpr const char* name_of_collective(Tag tag) {
  if (tag == kBroadcastTag) return "a broadcast";
  if (tag == kAllGatherTag) return "an all_gather";
  if (tag == kGatherTag) return "a gather";
  return tag == kMergeTag ? "a merge" : "a barrier";
}

}  // namespace larimar::comm

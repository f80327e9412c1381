#pragma once
#include <atomic>

namespace larimar::support {

/// What tests/support/fake_nccl.cc takes for a stream: counts what is queued and not yet done.
struct FakeStream {
  std::atomic<int> pending{0};
};

}  // namespace larimar::support

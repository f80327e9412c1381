#pragma once
#include <cstdlib>
#include <string>

#include "common/comm/nccl_group.h"
#include "tests/support/fake_nccl.h"

namespace larimar::test {

inline comm::DeviceStream stream_on(support::FakeStream& stream) {
  return {.handle = &stream, .is_idle = [&stream] { return stream.pending == 0; }};
}

/// Makes the fake library misbehave while it lives; see tests/support/fake_nccl.cc.
class Misbehaviour {
 public:
  explicit Misbehaviour(const std::string& list) { ::setenv("LARIMAR_FAKE_NCCL", list.c_str(), 1); }
  ~Misbehaviour() { ::unsetenv("LARIMAR_FAKE_NCCL"); }
  Misbehaviour(const Misbehaviour&) = delete;
  Misbehaviour& operator=(const Misbehaviour&) = delete;
};

}  // namespace larimar::test

#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/model/devices.h"

namespace larimar::test {

constexpr const char* kGpu = "cuda:0";

/// A test that needs a CUDA device, and says loudly that it was left out where there is none.
class OnAGpu : public testing::Test {
 protected:
  void SetUp() override {
    const model::CudaSight sight = model::look_for_cuda();
    if (sight.devices == 0) GTEST_SKIP() << "LARIMAR SKIPPED: " << sight.why_none;
  }
};

inline std::filesystem::path in_source(const char* path) {
  const char* source = std::getenv("LARIMAR_SOURCE_DIR");
  return std::filesystem::path(source != nullptr ? source : ".") / path;
}

}  // namespace larimar::test

#pragma once

namespace larimar::launch {

/// The version of the project; CMakeLists.txt reads it from here.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace larimar::launch

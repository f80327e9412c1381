#pragma once
#include <string>

namespace larimar::launch {

/// Hash over the sources of this build: "1a2b3c4d5e6f"; its definition is made by cmake/BuildId.cmake. Local.
[[nodiscard]] const char* sources_hash();

/// Which program this is: "0.1.0 (build 1a2b3c4d5e6f, Release, GNU 12.2.0)". Equal for equal sources, compiler and kind of
/// build, whatever the folder; the MPI library does not enter. Local.
[[nodiscard]] std::string build_text();

/// The LibTorch that is loaded: "2.11.0, libtorch_cpu.so of 451209129 bytes". Local.
[[nodiscard]] std::string libtorch_text();

/// File of a library that this process has loaded, by the beginning of its name; empty if there is none. Local.
[[nodiscard]] std::string loaded_library(const std::string& name);

}  // namespace larimar::launch

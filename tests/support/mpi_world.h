#pragma once
#include "common/comm/mpi_environment.h"

namespace larimar::support {

/// The environment of this test program, made by its main (tests/support/mpi_main.cc) before any test runs.
[[nodiscard]] const comm::Environment& mpi_world();

}  // namespace larimar::support

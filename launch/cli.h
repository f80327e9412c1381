#pragma once

namespace larimar::launch {

/// The whole program: reads the command line, plays this rank's part, returns the exit code. Prints errors once for a job:
/// on rank 0, or on the rank that alone knows of one.
[[nodiscard]] int run_program(int argc, char** argv);

}  // namespace larimar::launch

#pragma once
#include <string>

namespace larimar::comm {

/// The MPI that this program runs with. Calls: local; may be asked before MPI_Init.
struct MpiLibrary {
  std::string name;             // "Open MPI 4.1.4", "MPICH 4.0.2"
  std::string standard;         // "3.1"
  bool fault_tolerant = false;  // built with ULFM, so that a job can go on without a dead rank
};
[[nodiscard]] MpiLibrary mpi_library();

}  // namespace larimar::comm

#pragma once
// What MPI libraries with User Level Failure Mitigation (Open MPI 5) offer on top of the standard. Without the extension,
// or where the job was not started with it, is_on() is false and nothing else is called.
#include <mpi.h>

#include <cstdint>
#include <string>

namespace larimar::comm::ulfm {

/// Whether the library can go on after the death of a rank, and mpirun was told to let it (--with-ft ulfm). Local.
[[nodiscard]] bool is_on();
/// "ulfm", or "none" and why. Local; after MPI_Init.
[[nodiscard]] std::string describe();

/// Whether an MPI error means that a rank died, or that a rank which knows of it revoked the communicator. Local.
[[nodiscard]] bool is_loss(int error);
/// How many ranks of the communicator are known to be dead. Local.
[[nodiscard]] int count_dead(MPI_Comm comm);
/// Ends everybody's waits on this communicator. Local; the others are told.
void revoke(MPI_Comm comm);
/// Its living ranks as a new communicator. Collective among these; blocks. Returns an MPI error code.
[[nodiscard]] int shrink(MPI_Comm comm, MPI_Comm* living);
/// Bitwise and of everybody's flag, the same for all ranks that live, whoever dies meanwhile. Starts it; completes with
/// success, or is_loss if there are dead ranks, and the flag is good either way.
[[nodiscard]] int start_agreement(MPI_Comm comm, int* flag, MPI_Request* request);

}  // namespace larimar::comm::ulfm

#pragma once
// What SimGrid's SMPI, which runs all ranks in one process by a clock of its own, needs otherwise than an MPI library. All of it
// stands here; with any other MPI this file adds nothing.
#include <mpi.h>

namespace larimar::comm {

#ifdef SMPI_H
/// Simulated ranks take no real time: there are no deadlines, no threads that watch, and a wait is one of MPI itself, which
/// tells of a deadlock by naming the ranks.
inline constexpr bool kSimulated = true;

/// The non-blocking collectives. Those of SMPI send to all ranks in turn, its blocking ones along trees as other libraries do;
/// so here the call is over when it returns, and `request` stays MPI_REQUEST_NULL. Calls: collective. Returns MPI's code.
inline int start_broadcast(void* data, int bytes, int root, MPI_Comm comm, MPI_Request*) {
  return MPI_Bcast(data, bytes, MPI_BYTE, root, comm);
}
inline int start_all_gather(const void* mine, int bytes, void* all, MPI_Comm comm, MPI_Request*) {
  return MPI_Allgather(mine, bytes, MPI_BYTE, all, bytes, MPI_BYTE, comm);
}
inline int start_gather(const void* mine, int bytes, void* all, const int* counts, const int* begins, int root,
                        MPI_Comm comm, MPI_Request*) {
  return MPI_Gatherv(mine, bytes, MPI_BYTE, all, counts, begins, MPI_BYTE, root, comm);
}
inline int start_barrier(MPI_Comm comm, MPI_Request*) { return MPI_Barrier(comm); }
inline int wait_simulated(MPI_Request* request, MPI_Status* status) { return MPI_Wait(request, status); }
#else
inline constexpr bool kSimulated = false;

inline int start_broadcast(void* data, int bytes, int root, MPI_Comm comm, MPI_Request* request) {
  return MPI_Ibcast(data, bytes, MPI_BYTE, root, comm, request);
}
inline int start_all_gather(const void* mine, int bytes, void* all, MPI_Comm comm, MPI_Request* request) {
  return MPI_Iallgather(mine, bytes, MPI_BYTE, all, bytes, MPI_BYTE, comm, request);
}
inline int start_gather(const void* mine, int bytes, void* all, const int* counts, const int* begins, int root,
                        MPI_Comm comm, MPI_Request* request) {
  return MPI_Igatherv(mine, bytes, MPI_BYTE, all, counts, begins, MPI_BYTE, root, comm, request);
}
inline int start_barrier(MPI_Comm comm, MPI_Request* request) { return MPI_Ibarrier(comm, request); }
inline int wait_simulated(MPI_Request*, MPI_Status*) { return MPI_ERR_OTHER; }
#endif

}  // namespace larimar::comm

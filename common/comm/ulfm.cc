#include "common/comm/ulfm.h"

#include <array>
#include <cstdlib>
#include <string_view>

#if defined(OPEN_MPI) && __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

namespace larimar::comm::ulfm {

#ifdef OMPI_HAVE_MPI_EXT_FTMPI

bool is_on() {
  // mpirun --with-ft ulfm sets it for its ranks; without it mpirun ends the job whatever the library could do.
  const char* enabled = std::getenv("OMPI_MCA_mpi_ft_enable");
  return enabled != nullptr && std::string_view(enabled) == "1";
}

bool is_loss(int error) {
  if (error == MPI_SUCCESS) return false;
  int kind = MPI_ERR_OTHER;
  MPI_Error_class(error, &kind);
  return kind == MPIX_ERR_PROC_FAILED || kind == MPIX_ERR_PROC_FAILED_PENDING || kind == MPIX_ERR_REVOKED;
}

int count_dead(MPI_Comm comm) {
  MPI_Group dead = MPI_GROUP_NULL;
  if (MPIX_Comm_get_failed(comm, &dead) != MPI_SUCCESS) return 0;
  int count = 0;
  MPI_Group_size(dead, &count);
  MPI_Group_free(&dead);
  return count;
}

void revoke(MPI_Comm comm) { MPIX_Comm_revoke(comm); }
int shrink(MPI_Comm comm, MPI_Comm* living) { return MPIX_Comm_shrink(comm, living); }
int start_agreement(MPI_Comm comm, int* flag, MPI_Request* request) { return MPIX_Comm_iagree(comm, flag, request); }

#else

bool is_on() { return false; }
bool is_loss(int) { return false; }
int count_dead(MPI_Comm) { return 0; }
void revoke(MPI_Comm) {}
int shrink(MPI_Comm, MPI_Comm*) { return MPI_ERR_OTHER; }
int start_agreement(MPI_Comm, int*, MPI_Request*) { return MPI_ERR_OTHER; }

#endif

std::string describe() {
  if (is_on()) return "ulfm";
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  std::string library(text.data(), static_cast<std::size_t>(length));
  library.resize(std::min(library.find_first_of(",\n"), library.size()));  // Open MPI goes on with build details
#ifdef OMPI_HAVE_MPI_EXT_FTMPI
  return "none (" + library + ", started without mpirun --with-ft ulfm)";
#else
  return "none (" + library + ")";
#endif
}

}  // namespace larimar::comm::ulfm

#include "common/comm/mpi_library.h"

#include <mpi.h>
#if defined(OPEN_MPI) && __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

#include <array>
#include <sstream>

namespace larimar::comm {
namespace {

// "Open MPI v4.1.4, package: ..." and "MPICH Version:      4.0.2\nMPICH Release date: ..."; others in their first words.
std::string short_name(const std::string& text) {
  std::istringstream line(text.substr(0, text.find_first_of("\n,")));
  std::string name, word;
  while (line >> word) {
    if (word == "Version:") continue;
    if (word.size() > 1 && word[0] == 'v' && word[1] >= '0' && word[1] <= '9') word.erase(0, 1);
    name += (name.empty() ? "" : " ") + word;
  }
  return name;
}

}  // namespace

MpiLibrary mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0, version = 0, subversion = 0;
  MpiLibrary library;
  if (MPI_Get_library_version(text.data(), &length) == MPI_SUCCESS) library.name = short_name(text.data());
  if (MPI_Get_version(&version, &subversion) == MPI_SUCCESS)
    library.standard = std::to_string(version) + "." + std::to_string(subversion);
#if defined(OMPI_HAVE_MPI_EXT_FTMPI) && OMPI_HAVE_MPI_EXT_FTMPI
  library.fault_tolerant = true;
#endif
  return library;
}

}  // namespace larimar::comm

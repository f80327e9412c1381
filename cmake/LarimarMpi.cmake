# Which MPI, and how its mpiexec is told what tests need. The two must be of one MPI: another one's mpiexec starts N programs
# that each believe to be alone. A wrapper compiler of Open MPI names the run path of its libmpi, which FindMPI hands on.
if(LARIMAR_MPI STREQUAL "openmpi5")
  set(MPI_CXX_COMPILER ${LARIMAR_DEPS}/openmpi5/bin/mpicxx CACHE FILEPATH "MPI's wrapper compiler")
  set(MPIEXEC_EXECUTABLE ${LARIMAR_DEPS}/openmpi5/bin/mpirun CACHE FILEPATH "MPI's launcher")
  if(NOT EXISTS ${MPI_CXX_COMPILER})
    message(FATAL_ERROR "Open MPI 5 is not in ${LARIMAR_DEPS}/openmpi5: run launch/install.sh --tests first")
  endif()
elseif(LARIMAR_MPI STREQUAL "mpich")
  find_program(MPI_CXX_COMPILER NAMES mpicxx.mpich mpicxx)
  find_program(MPIEXEC_EXECUTABLE NAMES mpiexec.mpich mpiexec)
elseif(NOT LARIMAR_MPI STREQUAL "default")
  message(FATAL_ERROR "LARIMAR_MPI is '${LARIMAR_MPI}'; choose default, openmpi5 or mpich")
endif()
find_package(MPI REQUIRED COMPONENTS CXX)

# Open MPI and MPICH (with its kin: Intel MPI, MVAPICH2) take other options; the header tells which one it is.
include(CheckCXXSymbolExists)
set(CMAKE_REQUIRED_LIBRARIES MPI::MPI_CXX)
check_cxx_symbol_exists(OPEN_MPI mpi.h LARIMAR_MPI_IS_OPENMPI)
unset(CMAKE_REQUIRED_LIBRARIES)

# larimar_mpiexec(RESULT SECONDS RANKS): the command line before the program: more ranks than cores, no binding, and an end
# after SECONDS, a little before CTest's own, which would leave ranks behind.
function(larimar_mpiexec result seconds ranks)
  if(LARIMAR_MPI_IS_OPENMPI)
    set(${result} ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none --timeout ${seconds} ${MPIEXEC_NUMPROC_FLAG} ${ranks} PARENT_SCOPE)
  else()
    set(${result} ${CMAKE_COMMAND} -E env MPIEXEC_TIMEOUT=${seconds} ${MPIEXEC_EXECUTABLE} -bind-to none ${MPIEXEC_NUMPROC_FLAG} ${ranks} PARENT_SCOPE)
  endif()
endfunction()

#include "common/comm/mpi_environment.h"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "common/comm/in_process_transport.h"
#include "common/comm/mpi_transport.h"
#include "common/comm/start_deadline.h"

namespace larimar::comm {
namespace {

// Open MPI's mpirun; PMIx (mpirun, srun --mpi=pmix); Hydra and srun --mpi=pmi2; MVAPICH2.
constexpr std::array kLauncherMarks = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"};
constexpr std::array kSizeMarks = {"OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS",
                                   "SLURM_NTASKS"};

void require(int result, const char* call) {
  if (result != MPI_SUCCESS)
    throw base::CommError(std::string("MPI cannot start: ") + call + " failed with code " + std::to_string(result));
}

}  // namespace

bool launched_by_mpi() {
  return std::any_of(kLauncherMarks.begin(), kLauncherMarks.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

int announced_ranks() {
  for (const char* name : kSizeMarks) {
    const char* text = std::getenv(name);
    if (text == nullptr) continue;
    int ranks = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, ranks);
    if (error == std::errc{} && stop == end && ranks >= 1) return ranks;
  }
  return 1;
}

std::string missing_ranks(int world_size) {
  const int announced = announced_ranks();
  if (world_size >= announced) return {};
  return std::to_string(announced) + " ranks were started but only " + std::to_string(world_size) +
         " found each other; start the job with one 'srun --mpi=pmix', or with the mpirun of the MPI that larimar was "
         "built with, and look for ranks that ended early";
}

void refuse_singletons(int world_size) {
  const int announced = announced_ranks();
  if (world_size > 1 || announced <= 1) return;
  throw base::ConfigError(std::to_string(announced) +
                          " ranks were asked for, but this process finds itself alone, so each would do the "
                          "whole job; start it with 'srun --mpi=pmix' or with the mpirun of the MPI it was built with "
                          "('mpirun -n 1' for one rank)");
}

struct Environment::Mpi {
  MPI_Comm world = MPI_COMM_NULL;  // duplicate of MPI_COMM_WORLD
  int exceptions_at_birth = std::uncaught_exceptions();
};

Environment::Environment() {
  if (!launched_by_mpi()) {
    refuse_singletons(1);
    return;
  }
  const StartDeadline deadline(start_patience());
  int provided = MPI_THREAD_SINGLE;
  require(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED)
    throw base::CommError("MPI cannot start: it does not allow a program with threads");
  // Before the first duplicate is made, since communicators inherit the handler.
  require(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int size = 1;
  require(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
  refuse_singletons(size);
  mpi_ = std::make_unique<Mpi>();
  require(MPI_Comm_dup(MPI_COMM_WORLD, &mpi_->world), "MPI_Comm_dup");
}

Environment::~Environment() {
  // MPI_Finalize waits for all ranks; while an error is on its way out they may never come.
  if (!mpi_ || std::uncaught_exceptions() > mpi_->exceptions_at_birth) return;
  MPI_Comm_free(&mpi_->world);
  MPI_Finalize();
}

std::unique_ptr<Transport> Environment::make_transport() const {
  if (!mpi_) return make_single_transport();
  return std::make_unique<MpiTransport>(mpi_->world);
}

}  // namespace larimar::comm

#pragma once
#include <memory>

namespace larimar::comm {

/// While it lives, the process has to get on: if it is still there after `seconds`, a thread says on standard error that the
/// ranks did not find each other and ends the process with code 70; mpirun then ends the others. MPI_Init has no deadline of
/// its own: it waits for ever where one of the started programs never comes to it.
class StartDeadline {
 public:
  explicit StartDeadline(double seconds);
  ~StartDeadline();
  StartDeadline(const StartDeadline&) = delete;
  StartDeadline& operator=(const StartDeadline&) = delete;

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

/// LARIMAR_START_TIMEOUT in seconds, or 300. Throws ConfigError if it is no number above 0.
[[nodiscard]] double start_patience();

}  // namespace larimar::comm

#include "common/comm/start_deadline.h"

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

#include "common/comm/host_name.h"
#include "common/comm/mpi_environment.h"
#include "common/comm/simulated.h"
#include "common/comm/transport.h"

namespace larimar::comm {

struct StartDeadline::Watch {
  std::mutex mutex;
  std::condition_variable over;
  bool met = false;
  std::thread thread;
};

StartDeadline::StartDeadline(double seconds) : watch_(std::make_unique<Watch>()) {
  if constexpr (kSimulated) return;
  watch_->thread = std::thread([watch = watch_.get(), seconds] {
    std::unique_lock lock(watch->mutex);
    if (watch->over.wait_for(lock, std::chrono::duration<double>(seconds), [watch] { return watch->met; })) return;
    std::fprintf(stderr,
                 "[larimar on %s] error: the %d ranks of this job did not find each other within %g s: a program among "
                 "them is stuck, not started, or not this one; look at every host, or allow more time with "
                 "LARIMAR_START_TIMEOUT\n",
                 host_name().c_str(), announced_ranks(), seconds);
    std::fflush(nullptr);
    std::_Exit(static_cast<int>(base::ExitCode::kInternal));
  });
}

StartDeadline::~StartDeadline() {
  {
    const std::scoped_lock lock(watch_->mutex);
    watch_->met = true;
  }
  watch_->over.notify_all();
  if (watch_->thread.joinable()) watch_->thread.join();
}

double start_patience() {
  const char* text = std::getenv("LARIMAR_START_TIMEOUT");
  if (text == nullptr) return kDefaultPatienceSeconds;
  double seconds = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, seconds);
  if (error != std::errc{} || stop != end || !(seconds > 0) || seconds > 1e6)
    throw base::ConfigError(std::string("LARIMAR_START_TIMEOUT is \"") + text + "\"; give seconds, for example 60");
  return seconds;
}

}  // namespace larimar::comm

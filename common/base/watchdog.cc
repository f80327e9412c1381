#include "common/base/watchdog.h"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"

namespace larimar::base {

struct Watchdog::State {
  std::mutex mutex;
  std::condition_variable left;
  bool is_left = false;
  std::thread thread;
};

Watchdog::Watchdog(std::string what, double seconds, std::function<void()> before_end)
    : state_(std::make_unique<State>()) {
  state_->thread = std::thread([&state = *state_, what = std::move(what), seconds, end = std::move(before_end)] {
    std::unique_lock lock(state.mutex);
    if (state.left.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return state.is_left; })) return;
    log(LogLevel::kError, what + " has not ended after " + std::to_string(static_cast<int>(seconds)) +
                              " s: a peer is gone or stuck, or its network is; look at the other ranks' messages");
    if (end) end();
    ::_exit(static_cast<int>(ExitCode::kInternal));
  });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_left = true;
  }
  state_->left.notify_all();
  state_->thread.join();
}

}  // namespace larimar::base

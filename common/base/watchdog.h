#pragma once
#include <functional>
#include <memory>
#include <string>

namespace larimar::base {

/// A deadline around a call that blocks by itself and cannot be polled, such as MPI_Init: if the scope is not left in time, the
/// process says so and ends with exit code 70. Owns a thread for as long as it lives.
class Watchdog {
 public:
  /// `what` stands in the sentence "WHAT has not ended after N s". `before_end` is called by the watchdog's thread.
  Watchdog(std::string what, double seconds, std::function<void()> before_end = {});
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace larimar::base

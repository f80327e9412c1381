#pragma once

namespace larimar::base {

/// While it lives, SIGTERM, SIGUSR1 and SIGINT do not end the process but make throw_if_interrupted() throw, and so does a time
/// limit: the work on the way can then be flushed. A second signal ends the process as usual. Owns the handlers; one at a
/// time; not for threads that start and stop it side by side.
class InterruptScope {
 public:
  /// max_seconds of work, counted from here; 0: no limit. Throws ConfigError if it is negative or not a number.
  explicit InterruptScope(double max_seconds = 0);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
};

/// Throws Error(kInterrupted), which says why and that the same command goes on, once a signal has come or the time is up.
/// Without a scope it does nothing. Calls: local. Cost: a load and a look at the clock.
void throw_if_interrupted();

}  // namespace larimar::base

#pragma once
#include <exception>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "common/comm/in_process_transport.h"

namespace larimar::support {

/// What a rank throws only because another one has ended the group.
inline bool is_echo(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const base::CommError& error) {
    return std::string_view(error.what()).find("another rank has ended the job") != std::string_view::npos;
  } catch (...) {
    return false;
  }
}

/// Runs `program` on `ranks` threads, each with its end of one group, and waits for all of them. The first exception ends
/// the group, so that the other ranks stop waiting, and is thrown here; what the others then throw is only its echo.
inline void run_in_process(int ranks, const std::function<void(comm::Transport&)>& program,
                           double patience_seconds = 20.0) {
  const auto group = comm::make_in_process_group(ranks);
  std::mutex mutex;
  std::exception_ptr first;
  std::vector<std::thread> threads;
  for (const auto& transport : group) {
    threads.emplace_back([&, rank = transport.get()] {
      try {
        rank->set_patience(patience_seconds);
        program(*rank);
      } catch (...) {
        {
          const std::scoped_lock lock(mutex);
          // An echo may be caught before what it answers.
          if (!first || is_echo(first)) first = std::current_exception();
        }
        try {
          rank->abort(base::ExitCode::kInternal);
        } catch (const base::Error&) {
          // In one process abort() reports by throwing; the group is ended now, which is all that was wanted.
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace larimar::support

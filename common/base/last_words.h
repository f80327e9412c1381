#pragma once
// What a process says when a signal ends it: nobody else knows which step it was in. One set of words for a process.
#include <cstdint>
#include <span>
#include <string_view>

namespace larimar::base {

/// A process of the same job on this host.
struct JobProcess {
  std::int64_t process = 0;
  int rank = 0;
};

/// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and std::terminate say "[place] error: SIGNAL in phase 'P'" before they end
/// the process as usual; SIGTERM does if a process of the job has died, see say_who_died. Handlers that others installed, such
/// as a sanitizer's, stay. `place` is "rank 2 host". Local.
void prepare_last_words(std::string_view place);
/// The step that is under way. Local; costs a copy of at most 63 bytes.
void note_phase(std::string_view phase);
/// How the work goes on after the job has ended. Local.
void note_resume(std::string_view sentence);
/// The other processes of the job on this host, by rising rank, at most 1024, and this one's rank. Local.
void note_job(std::span<const JobProcess> others, int self);

/// If a process of the job on this host has died, the one of the lowest living rank says which, in which phase it was itself,
/// and how to go on. Returns whether somebody died. Async-signal-safe.
bool say_who_died() noexcept;

}  // namespace larimar::base

#include "common/base/last_words.h"

#include <signal.h>  // kill is POSIX
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

namespace larimar::base {
namespace {

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t kMostProcesses = 1024;

// Signal handlers may read these at any moment: fixed memory, always ended by a zero.
template <std::size_t N>
struct Words {
  char text[N] = {};
  void set(std::string_view words) {
    const std::size_t length = std::min(words.size(), N - 1);
    std::memcpy(text, words.data(), length);
    text[length] = '\0';
  }
};
Words<128> place;
Words<64> phase;
Words<2048> resume;
std::array<JobProcess, kMostProcesses> processes;
volatile std::size_t process_count = 0;
volatile int own_rank = 0;

/// A line put together without the heap.
class Line {
 public:
  void add(const char* words) {
    for (; *words != '\0' && length_ < sizeof text_ - 1; ++words) text_[length_++] = *words;
  }
  void add(long number) {
    char digits[24];
    std::size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do digits[--at] = static_cast<char>('0' + number % 10);
    while ((number /= 10) > 0);
    add(digits + at);
  }
  void write() {
    text_[length_++] = '\n';
    static_cast<void>(!::write(STDERR_FILENO, text_, length_));
  }

 private:
  char text_[4096];
  std::size_t length_ = 0;
};

const char* name_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS (a mapped file may have become shorter)";
    case SIGFPE:
      return "SIGFPE";
    case SIGILL:
      return "SIGILL (was the program built for another processor?)";
    default:
      return "SIGABRT";
  }
}

extern "C" void say_and_end(int signal) {
  Line line;
  line.add("[");
  line.add(place.text);
  line.add("] error: ended by ");
  line.add(name_of(signal));
  line.add(" in phase '");
  line.add(phase.text);
  line.add("'; this is a fault of the program or the machine");
  line.write();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

extern "C" void end_on_request(int signal) {
  // The one that speaks must not take the others, which the same signal ends, for the cause.
  if (!say_who_died()) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  const timespec pause{0, 300'000'000};
  ::nanosleep(&pause, nullptr);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

[[noreturn]] void say_exception() {
  Line line;
  line.add("[");
  line.add(place.text);
  line.add("] error: an exception left the program: ");
  try {
    if (const auto exception = std::current_exception()) std::rethrow_exception(exception);
    line.add("none");
  } catch (const std::exception& error) {
    line.add(error.what());
  } catch (...) {
    line.add("of unknown kind");
  }
  line.write();
  std::abort();
}

bool is_dead(const JobProcess& other) { return ::kill(static_cast<pid_t>(other.process), 0) != 0 && errno == ESRCH; }

}  // namespace

void prepare_last_words(std::string_view words) {
  place.set(words);
  std::set_terminate(say_exception);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these print a stack of their own
  for (const int signal : kFaults) std::signal(signal, say_and_end);
#endif
  struct sigaction now {};
  if (::sigaction(SIGTERM, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) std::signal(SIGTERM, end_on_request);
}

void note_phase(std::string_view words) { phase.set(words); }
void note_resume(std::string_view sentence) { resume.set(sentence); }

void note_job(std::span<const JobProcess> others, int self) {
  process_count = 0;
  const std::size_t count = std::min(others.size(), kMostProcesses);
  std::copy_n(others.begin(), count, processes.begin());
  own_rank = self;
  process_count = count;
}

bool say_who_died() noexcept {
  const int saved = errno;
  bool any = false, lower_lives = false;
  Line line;
  line.add("[");
  line.add(place.text);
  line.add("] error: ");
  for (std::size_t i = 0; i < process_count; ++i) {
    if (!is_dead(processes[i])) {
      lower_lives = lower_lives || processes[i].rank < own_rank;
      continue;
    }
    line.add(any ? ", rank " : "rank ");
    line.add(processes[i].rank);
    any = true;
  }
  if (any && !lower_lives) {
    line.add(" of this host died, which ends the job; this rank was in phase '");
    line.add(phase.text);
    line.add("'. ");
    line.add(resume.text);
    line.write();
  }
  errno = saved;
  return any;
}

}  // namespace larimar::base

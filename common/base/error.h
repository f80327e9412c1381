#pragma once
#include <stdexcept>
#include <string>

namespace larimar::base {

/// Exit codes of the program, as documented in docs/cli.md. The shell, Slurm and tests rely on the numbers.
enum class ExitCode : int {
  kOk = 0,
  kBelowThreshold = 1,  // --fail-under was not reached
  kUsage = 2,           // command line or query that cannot be understood
  kDegraded = 3,        // answered, but some input line was left out
  kBadInput = 65,       // a file is damaged or has the wrong form
  kNoInput = 66,        // a file is missing, empty or cannot be read
  kInternal = 70,       // a fault of the program or of a peer rank
  kCannotCreate = 73,   // an output cannot be created
  kIo = 74,             // reading or writing failed on the way
  kInterrupted = 75,    // stopped by a signal or a time limit; the same command goes on
  kConfig = 78,         // a configuration that cannot work here
};

/// Everything that stops a rank. The text is one sentence for the user: what is wrong, where, and what to try.
/// Thread-safe to throw; carries the exit code that the program ends with.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  [[nodiscard]] ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// The user asked for something that cannot be understood (exit 2).
struct UsageError : Error {
  explicit UsageError(const std::string& text) : Error(ExitCode::kUsage, text) {}
};
/// A configuration that cannot work on this machine or with these parts (exit 78).
struct ConfigError : Error {
  explicit ConfigError(const std::string& text) : Error(ExitCode::kConfig, text) {}
};
/// A file whose bytes are not what its format says (exit 65).
struct FormatError : Error {
  explicit FormatError(const std::string& text) : Error(ExitCode::kBadInput, text) {}
};
/// A file that is missing, empty or not readable (exit 66).
struct MissingInputError : Error {
  explicit MissingInputError(const std::string& text) : Error(ExitCode::kNoInput, text) {}
};
/// Two shapes that must agree and do not (exit 65: at a border, shapes come from data).
struct ShapeError : Error {
  explicit ShapeError(const std::string& text) : Error(ExitCode::kBadInput, text) {}
};
/// A computation whose result is not finite or not determined (exit 70).
struct NumericalError : Error {
  explicit NumericalError(const std::string& text) : Error(ExitCode::kInternal, text) {}
};
/// An MPI call failed, a peer is gone, or a wait passed its deadline (exit 70). Nobody retries after it.
struct CommError : Error {
  explicit CommError(const std::string& text) : Error(ExitCode::kInternal, text) {}
};
/// Reading or writing a file failed on the way, for example on a full disk (exit 74).
struct IoError : Error {
  explicit IoError(const std::string& text) : Error(ExitCode::kIo, text) {}
};

}  // namespace larimar::base

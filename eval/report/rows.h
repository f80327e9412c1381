#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace larimar::eval::report {

/// What counts: the row's own score; whether the right segment came first; whether the expected string is in the
/// answer.
enum class ScoreKind { kValue, kRetrieval, kWording };

/// "value", "retrieval" or "wording". Throws UsageError naming the three.
[[nodiscard]] ScoreKind parse_score_kind(const std::string& name);

/// What was asked for, and how. Ordered by kind, then by number of digits.
struct Task {
  std::string kind;  // "passkey", "san francisco", ...
  std::int64_t digits = 0;
  std::string form;  // "question"; empty: the completion of a prefix, the usual form

  /// "passkey 3 digits"; "uuid, by question".
  [[nodiscard]] std::string label() const;
  [[nodiscard]] auto operator<=>(const Task&) const = default;
};

/// One line of results.jsonl, as far as a report needs it.
struct Measurement {
  std::string system;  // with its keys: "larimar, prefix keys"
  Task task;
  std::string run;           // fingerprint of its configuration; may be empty
  std::uint64_t length = 0;  // tokens asked for; where that was the whole haystack, tokens that it has
  double depth = 0;          // percent
  double score = 0;          // 0 to 1
  double seconds = 0;
};

/// An evaluation folder; with a name, its rows are of a system of that name.
struct Folder {
  std::filesystem::path path;
  std::string name;
};

/// The rows of a folder, and how many were left out, by cause.
struct Measurements {
  std::vector<Measurement> rows;
  std::string system = "larimar";  // of the first row, without keys
  std::size_t not_ok = 0;          // status other than "ok"
  std::size_t without_score = 0;   // the score asked for does not apply to them (null)
  std::size_t cut_off = 0;         // a last line that a crash cut off
};

/// Reads PATH/results.jsonl: rows of needlehaystack 2.0, with or without the object `larimar`.
/// Throws MissingInputError if the file is absent; FormatError naming file, line and field (and column, where a line
/// is no JSON) if a field is missing, of the wrong kind or outside its range.
[[nodiscard]] Measurements read_measurements(const Folder& folder, ScoreKind score);

}  // namespace larimar::eval::report

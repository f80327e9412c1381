#pragma once
// Query files: one JSON object a line.
//   {"id": "key", "prefix": "The pass key of the red door is"}
//   {"id": 7, "question": "When does the last boat leave?", "expect": "fields of other names are the user's own"}
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace larimar::coordinator {

enum class QueryForm {
  kPrefix,    // the beginning of a sentence, to be completed
  kQuestion,  // to be answered by what the context says
};

struct Query {
  std::string id{};  // unique in a file; "q<line>" where the line names none
  QueryForm form = QueryForm::kPrefix;
  std::string text{};    // valid UTF-8, not only white space, no NUL; as it was given
  std::size_t line = 0;  // in the query file, from 1; 0: from the command line
};

/// A line that was left out, and why, as one sentence without file name and number.
struct BadLine {
  std::size_t line = 0;
  std::string reason{};
};

struct QueryFile {
  std::vector<Query> queries{};  // in the order of the file
  std::vector<BadLine> bad{};    // in the order of the file
};

inline constexpr std::size_t kMostQueryLineBytes = std::size_t{1} << 20;

/// Every good query of a file, and what is wrong with each of the other lines. A line holds exactly one of `prefix` and
/// `question`, a string; `id` is a string or an integer and may be absent; other fields are ignored. A byte order mark,
/// CRLF and blank lines at the end are accepted; a blank line before the last query is a bad line.
/// Calls   local.
/// Throws  MissingInputError if the file is absent, unreadable, or has no line that is not blank; UsageError naming the
///         first bad lines if no line is a good query.
/// Cost    linear in the file; lines above kMostQueryLineBytes are left out unread.
[[nodiscard]] QueryFile read_queries(const std::filesystem::path& path);

/// The query of a command line, with id "q1": a question if the text ends with '?' (white space after it aside), otherwise
/// a prefix. Throws UsageError if the text is empty, only white space, not UTF-8, or holds NUL.
[[nodiscard]] Query make_query(std::string_view text);

}  // namespace larimar::coordinator

#include "coordinator/queries.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/text/unicode.h"

namespace larimar::coordinator {
namespace {

using nlohmann::json;

constexpr std::size_t kLinesInError = 3;
constexpr std::size_t kQuotedBytes = 60;

/// Why a line is bad; never leaves this file.
struct Fault {
  std::string reason;
};

bool is_blank(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint point = text::code_point_at(text, at);
    if (!text::is_space(point.value)) return false;
    at += point.length;
  }
  return true;
}

std::size_t column_of(std::string_view line, std::size_t byte) {
  std::size_t column = 1;
  for (std::size_t at = 0; at < std::min(byte, line.size()); ++column) at += text::code_point_at(line, at).length;
  return column;
}

std::string in_quotes(const std::string& name) {
  std::size_t end = 0;
  while (end < name.size() && end < kQuotedBytes) end += text::code_point_at(name, end).length;
  return "\"" + name.substr(0, end) + (end < name.size() ? "...\"" : "\"");
}

json parse_object(std::string_view line) {
  std::set<std::string> names;
  // The parser keeps the last of two fields of one name: which was meant is not ours to guess.
  const json::parser_callback_t refuse_repeats = [&names](int depth, json::parse_event_t event, json& parsed) {
    if (depth == 1 && event == json::parse_event_t::key && !names.insert(parsed.get<std::string>()).second)
      throw Fault{"the field " + in_quotes(parsed.get<std::string>()) + " appears twice"};
    return true;
  };
  try {
    json object = json::parse(line, refuse_repeats);
    if (!object.is_object()) throw Fault{"the line is not a JSON object"};
    return object;
  } catch (const json::parse_error& error) {
    const std::size_t byte = error.byte > 0 ? error.byte - 1 : 0;
    throw Fault{"the line is not JSON at column " + std::to_string(column_of(line, byte))};
  }
}

void check_text(const std::string& text, const std::string& name) {
  if (is_blank(text)) throw Fault{name + " is empty"};
  if (text.find('\0') != std::string::npos) throw Fault{name + " holds a NUL character"};
}

std::string id_of(const json& object, std::size_t line) {
  const auto found = object.find("id");
  if (found == object.end()) return "q" + std::to_string(line);
  if (found->is_number_integer()) return found->dump();
  if (!found->is_string()) throw Fault{"id must be a string or an integer"};
  std::string id = found->get<std::string>();
  check_text(id, "id");
  return id;
}

Query parse_line(std::string_view line, std::size_t number) {
  if (line.size() > kMostQueryLineBytes)
    throw Fault{"the line has " + std::to_string(line.size()) + " bytes; at most " +
                std::to_string(kMostQueryLineBytes) + " are read"};
  if (is_blank(line)) throw Fault{"the line is empty"};
  // Checked before the parser, whose words for both are about tokens.
  if (const std::size_t at = text::find_invalid_utf8(line); at != std::string_view::npos) {
    throw Fault{(line[at] == '\0' ? "a NUL byte stands at column " : "invalid UTF-8 at column ") +
                std::to_string(column_of(line, at))};
  }
  const json object = parse_object(line);
  const bool has_prefix = object.contains("prefix");
  if (has_prefix == object.contains("question"))
    throw Fault{has_prefix ? "the line has both prefix and question; give one of them"
                           : "the line has neither prefix nor question; give one of them"};
  const std::string name = has_prefix ? "prefix" : "question";
  if (!object[name].is_string()) throw Fault{name + " must be a string"};
  Query query{.id = id_of(object, number),
              .form = has_prefix ? QueryForm::kPrefix : QueryForm::kQuestion,
              .text = object[name].get<std::string>(),
              .line = number};
  check_text(query.text, name);
  return query;
}

/// Lines without their ends, blank ones at the end left out.
std::vector<std::string_view> split_lines(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string_view> lines;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (!is_blank(line)) used = lines.size();
  }
  lines.resize(used);
  return lines;
}

std::string no_query_text(const std::filesystem::path& path, const std::vector<BadLine>& bad) {
  std::string text = "query file " + path.string() + " holds no query that can be read";
  for (std::size_t i = 0; i < std::min(bad.size(), kLinesInError); ++i)
    text += (i == 0 ? ": line " : "; line ") + std::to_string(bad[i].line) + ": " + bad[i].reason;
  if (bad.size() > kLinesInError) text += "; and " + std::to_string(bad.size() - kLinesInError) + " more lines";
  return text;
}

}  // namespace

QueryFile read_queries(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  const std::vector<std::string_view> lines = split_lines(file.text());
  if (lines.empty()) throw base::MissingInputError("query file " + path.string() + " is empty");
  QueryFile result;
  std::unordered_map<std::string, std::size_t> line_of_id;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    try {
      Query query = parse_line(lines[i], i + 1);
      const auto [first, is_new] = line_of_id.emplace(query.id, query.line);
      if (!is_new) throw Fault{"the id " + in_quotes(query.id) + " was used in line " + std::to_string(first->second)};
      result.queries.push_back(std::move(query));
    } catch (const Fault& fault) {
      result.bad.push_back({i + 1, fault.reason});
    }
  }
  if (result.queries.empty()) throw base::UsageError(no_query_text(path, result.bad));
  return result;
}

Query make_query(std::string_view text) {
  if (is_blank(text)) throw base::UsageError("the query is empty; give a question or the beginning of a sentence");
  if (const std::size_t at = text::find_invalid_utf8(text); at != std::string_view::npos)
    throw base::UsageError("the query is not valid UTF-8 without NUL at byte " + std::to_string(at));
  std::size_t end = 0;
  char last = ' ';
  while (end < text.size()) {
    const text::CodePoint point = text::code_point_at(text, end);
    if (!text::is_space(point.value)) last = text[end];
    end += point.length;
  }
  return {.id = "q1", .form = last == '?' ? QueryForm::kQuestion : QueryForm::kPrefix, .text = std::string(text)};
}

}  // namespace larimar::coordinator

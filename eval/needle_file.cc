#include "eval/needle_file.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::eval {
namespace {

using nlohmann::json;

struct Field {
  const char* name;
  std::string Needle::*member;
};
constexpr std::array<Field, 6> kFields = {{{"id", &Needle::id},
                                           {"needle", &Needle::text},
                                           {"prefix", &Needle::prefix},
                                           {"prefix_answer", &Needle::prefix_answer},
                                           {"question", &Needle::question},
                                           {"answer", &Needle::answer}}};

std::size_t count_words(const std::string& text) {
  std::istringstream words(text);
  std::size_t count = 0;
  for (std::string word; words >> word;) ++count;
  return count;
}

bool is_known(const std::string& name) {
  for (const Field& field : kFields) {
    if (name == field.name) return true;
  }
  return false;
}

/// What is wrong with a line as a needle; throws it as text for load_needles to place.
Needle parse_line(const std::string& line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) throw std::string("is not a JSON object");
  for (const auto& entry : object.items()) {
    if (!is_known(entry.key())) throw "has the unknown field \"" + entry.key() + "\"";
  }
  Needle needle;
  for (const Field& field : kFields) {
    const auto found = object.find(field.name);
    if (found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
      throw std::string("needs the field \"") + field.name + "\" as a string that is not empty";
    }
    needle.*field.member = found->get<std::string>();
  }
  return needle;
}

void check_needle(const Needle& needle) {
  if (needle.text.find_first_of("\r\n") != std::string::npos) throw std::string("has a needle of more than one line");
  if (const std::size_t words = count_words(needle.text); words > kMostNeedleWords) {
    throw "has a needle of " + std::to_string(words) + " words; at most " + std::to_string(kMostNeedleWords) +
        " fit a segment";
  }
  if (!needle.text.starts_with(needle.prefix)) throw std::string("has a prefix that its needle does not begin with");
  if (needle.text.find(needle.prefix_answer, needle.prefix.size()) == std::string::npos) {
    throw std::string("has a prefix_answer that does not follow the prefix in its needle");
  }
  if (needle.text.find(needle.answer) == std::string::npos)
    throw std::string("has an answer that its needle does not hold");
}

}  // namespace

std::vector<Needle> load_needles(const std::filesystem::path& path) {
  std::istringstream lines(base::read_file(path));
  std::vector<Needle> needles;
  std::set<std::string> ids;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      needles.push_back(parse_line(line));
      check_needle(needles.back());
      if (!ids.insert(needles.back().id).second) throw "repeats the id \"" + needles.back().id + "\"";
    } catch (const std::string& fault) {
      throw base::FormatError("needle file " + path.string() + ", line " + std::to_string(number) + ": the line " +
                              fault);
    }
  }
  if (needles.empty()) throw base::MissingInputError("needle file " + path.string() + " holds no needle");
  return needles;
}

}  // namespace larimar::eval

#include "common/memory/rules_text.h"

#include <charconv>
#include <system_error>

#include "common/base/error.h"

namespace larimar::memory {
namespace {

template <class Number>
std::string number_text(Number value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;  // shortest that reads back exactly
  return {text, end};
}

const std::string& value_of(const std::map<std::string, std::string>& text, const std::string& name) {
  const auto found = text.find(name);
  if (found == text.end()) throw base::FormatError("the memory's rules do not say \"" + name + "\"");
  return found->second;
}

template <class Number>
void read_number(const std::map<std::string, std::string>& text, const std::string& name, Number& value) {
  const std::string& given = value_of(text, name);
  const auto [end, code] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (code != std::errc{} || end != given.data() + given.size())
    throw base::FormatError("the memory's rule \"" + name + "\" is \"" + given + "\", which is no number");
}

template <class Parse>
auto read_name(const std::map<std::string, std::string>& text, const std::string& name, const Parse& parse) {
  try {
    return parse(value_of(text, name));
  } catch (const base::UsageError& error) {
    throw base::FormatError("the memory's rule \"" + name + "\": " + error.what());
  }
}

}  // namespace

std::map<std::string, std::string> to_text(const MemoryRules& rules) {
  return {{"addressing", std::string(name_of(rules.addressing))},
          {"key_memory", std::string(name_of(rules.key_memory))},
          {"aggregation", std::string(name_of(rules.aggregation))},
          {"solve", std::string(name_of(rules.solve))},
          {"read_weights", std::string(name_of(rules.read_weights))},
          {"slots", number_text(rules.slots)},
          {"ridge", number_text(rules.ridge)},
          {"alpha", number_text(rules.alpha)},
          {"temperature", number_text(rules.temperature)},
          {"top", number_text(rules.top)},
          {"steps", number_text(rules.steps)}};
}

MemoryRules rules_from_text(const std::map<std::string, std::string>& text) {
  MemoryRules rules;
  rules.addressing = read_name(text, "addressing", parse_addressing);
  rules.key_memory = read_name(text, "key_memory", parse_key_memory);
  rules.aggregation = read_name(text, "aggregation", parse_aggregation);
  rules.solve = read_name(text, "solve", parse_solve);
  rules.read_weights = read_name(text, "read_weights", parse_read_weights);
  read_number(text, "slots", rules.slots);
  read_number(text, "ridge", rules.ridge);
  read_number(text, "alpha", rules.alpha);
  read_number(text, "temperature", rules.temperature);
  read_number(text, "top", rules.top);
  read_number(text, "steps", rules.steps);
  return rules;
}

}  // namespace larimar::memory

#pragma once
#include <map>
#include <string>

#include "common/memory/rules.h"

namespace larimar::memory {

/// The rules as names and values, every field; numbers so that they come back exactly.
[[nodiscard]] std::map<std::string, std::string> to_text(const MemoryRules& rules);

/// The way back; names that are no rule are left alone. Throws FormatError for a rule that is missing or has no such value.
[[nodiscard]] MemoryRules rules_from_text(const std::map<std::string, std::string>& text);

}  // namespace larimar::memory

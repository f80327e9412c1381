#pragma once
#include <cstddef>
#include <filesystem>
#include <vector>

#include "eval/needles.h"

namespace larimar::eval {

inline constexpr std::size_t kMostNeedleWords = 45;

/// Needles from a JSON Lines file: objects with exactly the fields id, needle, prefix, prefix_answer, question, answer,
/// all strings and not empty. Checked: ids are unique, the needle is one line of at most kMostNeedleWords words, begins
/// with the prefix and then holds prefix_answer, and holds the answer.
/// Throws MissingInputError if the file is absent or has no needle, FormatError naming file, line and field otherwise.
[[nodiscard]] std::vector<Needle> load_needles(const std::filesystem::path& path);

}  // namespace larimar::eval

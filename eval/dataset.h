#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

#include "eval/task.h"

namespace larimar::eval {

/// Turns a data file of another harness into a folder: DIR/contexts/N.txt and DIR/dataset.jsonl with, for each item, id, kind,
/// document, length, question, expected and expected_any (any of them is right). Formats:
///   ruler          index, input, outputs [, length]; the question is the input's last line; all outputs are wanted
///   infinitebench  id, context, input, answer; any of the answers is right
///   longbench      _id, context, input, answers, dataset; any of the answers is right
/// Returns the number of items. Throws UsageError for another format, FormatError naming file, line and field (and the column
/// of what is no JSON), MissingInputError, Error(kCannotCreate).
std::size_t import_dataset(const std::filesystem::path& file, const std::string& format,
                           const std::filesystem::path& folder);

/// Asks an imported folder: each item is a ready document with one question. Throws as for_each_object.
[[nodiscard]] Task dataset_task(const std::filesystem::path& folder);

}  // namespace larimar::eval

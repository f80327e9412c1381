#pragma once
#include <filesystem>

#include "eval/presets.h"

namespace larimar::eval {

/// Reads a run file in YAML, with the layout of needlehaystack 2.0 (docs/evaluation.md lists every field):
///   name, haystack, filler, beyond, pieces, out, system_name
///   sweep: {context_lengths, depth_percents, seeds}     lists, or {min, max, num, scale: linear or sigmoid}; seeds may be a number
///   tasks: [{type: single|multi|uuid|uuid_chain|<preset>, ...}], or one `task`
///   larimar: {key_modes, forms}
///   runner: {concurrency, retries, resume}               accepted; resume must be true, since rows are never thrown away
/// Relative paths are from the file's folder. RunSpec::content is what the file says, for the manifest.
/// Throws MissingInputError if it is absent; FormatError naming file, line and column for malformed YAML, an unknown field, a
/// value of the wrong kind or outside its range.
[[nodiscard]] RunSpec read_run_file(const std::filesystem::path& file);

}  // namespace larimar::eval

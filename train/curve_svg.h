#pragma once
#include <filesystem>
#include <string>

namespace larimar::train {

/// The curves of a training run, from its metrics.jsonl, as one SVG drawing: loss (logarithmic), token accuracy and share
/// of whole segments exact over the steps, a line for training and one with dots for validation, the last value of each
/// in words. A step that was written twice (a resumed run repeats some) counts as written last; lines that a kill cut
/// off and values that are not finite are left out. The same file gives the same bytes. Local; linear in the file.
/// Throws MissingInputError if there is no such file.
[[nodiscard]] std::string draw_curves(const std::filesystem::path& metrics);

}  // namespace larimar::train

#pragma once
#include <filesystem>

namespace larimar::eval::report {

/// The program rsvg-convert of the Debian package librsvg2-bin, as found in PATH.
/// Throws ConfigError naming program and package if it is not there.
[[nodiscard]] std::filesystem::path find_renderer();

/// Renders an SVG file as PNG at twice its size; the PNG appears whole or not at all.
/// Calls   starts the renderer and waits for it; no shell. Throws IoError naming both files if it fails.
void render_png(const std::filesystem::path& renderer, const std::filesystem::path& svg,
                const std::filesystem::path& png);

}  // namespace larimar::eval::report

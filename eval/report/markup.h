#pragma once
// Texts that others wrote, on their way into HTML, SVG, CSV and file names.
#include <string>
#include <string_view>

namespace larimar::eval::report {

/// The text as content of an element or of a quoted attribute, in HTML and in XML: & < > " ' become references; what
/// neither may hold, or what could turn the reading direction of its neighbours (control characters, bidirectional
/// controls, bytes that are not UTF-8), becomes U+FFFD. Letters of right-to-left scripts stay. Linear.
[[nodiscard]] std::string escape(std::string_view text);

/// A field of a CSV line, quoted where it must be (RFC 4180).
[[nodiscard]] std::string csv_field(std::string_view text);

/// Lower-case ASCII letters and digits with hyphens between them, at most 60; "figure" if nothing is left.
[[nodiscard]] std::string slug(std::string_view text);

/// A command as one types it: words with anything but letters, digits and ._/=:,+- stand in single quotes.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace larimar::eval::report

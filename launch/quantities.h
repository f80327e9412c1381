#pragma once
// Large numbers as people write them on a command line.
#include <cstdint>
#include <string>
#include <string_view>

namespace larimar::launch {

/// "1B", "2.5M", "300K", "1000": a count with a suffix for thousands, millions, billions (B) or trillions (T).
/// Throws UsageError, naming `option` and what is understood, for anything else, for 0, for a part of one, and above 10^15.
[[nodiscard]] std::uint64_t parse_count(std::string_view text, const std::string& option);

/// "4G", "512M", "1.5T", also "4GiB": bytes with a suffix of powers of 1024, as Slurm takes them; without one plain bytes.
/// Throws UsageError as parse_count; above 2^60.
[[nodiscard]] std::uint64_t parse_bytes(std::string_view text, const std::string& option);

/// "12.3 MiB", "4.00 GiB"; "1.5 s", "20.1 us", "3.2 h".
[[nodiscard]] std::string bytes_text(double bytes);
[[nodiscard]] std::string seconds_text(double seconds);

}  // namespace larimar::launch

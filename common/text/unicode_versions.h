#pragma once
#include <cstdint>

/// Where the tables of the reference library are of another Unicode version than ours; tests compare every code point.
namespace larimar::text {

/// Has a code point no decomposition and no combining class there, though it has here? Its normal forms know an older Unicode.
[[nodiscard]] bool is_inert_in_forms(std::int32_t code_point);

/// The small form of one code point; U+0130 excepted, whose small form is two. Its letters know a newer Unicode.
[[nodiscard]] std::int32_t to_lower(std::int32_t code_point);

}  // namespace larimar::text

#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace larimar::train {

/// Sentences of 3 to 40 words from the text files of a folder (*.txt, *.txt.zst), the same number of each file as far as it has them, drawn
/// evenly; two in five of those that are longer than 6 words are cut to 4 to 14 words from their midst, as queries and prefixes are short.
/// The same folder, count and seed give the same texts. Local; reads each file once and holds what it draws.
/// Throws as text::list_text_files and text::TextStream.
[[nodiscard]] std::vector<std::string> sample_sentences(const std::filesystem::path& folder, std::size_t count,
                                                        std::uint64_t seed);

}  // namespace larimar::train

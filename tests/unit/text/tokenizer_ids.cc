// usage: tokenizer_ids TOKENIZER <texts >answers
// A line {"text": ..} gives a line {"ids", "plain", "text", "marked"}: what the tokenizer makes of the text and of the ids.
// For tools/check_tokenizers.py, which compares them with the reference library.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/error.h"
#include "common/text/tokenizer.h"
#include "common/text/unicode_forms.h"

int main(int count, char** arguments) {
  using Clock = std::chrono::steady_clock;
  if (count != 2) {
    std::cerr << "usage: tokenizer_ids TOKENIZER <texts >answers\n";
    return 2;
  }
  try {
    const auto begin = Clock::now();
    const auto tokenizer = larimar::text::load_tokenizer(arguments[1]);
    const std::chrono::duration<double> load = Clock::now() - begin;
    std::chrono::duration<double> encode{0};
    std::size_t bytes = 0;
    for (std::string line; std::getline(std::cin, line);) {
      const auto text = nlohmann::json::parse(line).at("text").get<std::string>();
      const auto start = Clock::now();
      const auto ids = tokenizer->encode_marked(text);
      encode += Clock::now() - start;
      bytes += text.size();
      std::cout << nlohmann::json{{"ids", ids},
                                  {"plain", tokenizer->encode(text)},
                                  {"text", larimar::text::show_utf8(tokenizer->decode(ids))},
                                  {"marked", larimar::text::show_utf8(tokenizer->decode_marked(ids))}}
                << "\n";
    }
    std::cout << nlohmann::json{{"size", tokenizer->size()},
                                {"load_s", load.count()},
                                {"encode_s", encode.count()},
                                {"bytes", bytes}}
              << "\n";
  } catch (const larimar::base::Error& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.code());
  }
  return 0;
}

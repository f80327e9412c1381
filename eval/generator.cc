#include "eval/generator.h"

#include <array>
#include <charconv>

#include "common/base/error.h"
#include "eval/random.h"

namespace larimar::eval {
namespace {

using Words = std::array<std::string_view, 16>;

constexpr Words kWho = {"The gardener",   "An old teacher", "The baker",     "A young painter",
                        "The ferryman",   "Our neighbour",  "The librarian", "A shepherd",
                        "The watchmaker", "A student",      "The captain",   "The weaver",
                        "A carpenter",    "The doctor",     "A violinist",   "The postman"};
constexpr Words kDid = {"repaired", "described", "carried",   "painted", "forgot",  "measured", "sold", "borrowed",
                        "found",    "counted",   "collected", "hid",     "cleaned", "wrapped",  "drew", "praised"};
constexpr Words kWhat = {"a wooden boat",     "the copper lamp",   "seven clay jars", "a heavy curtain",
                         "the narrow bridge", "a basket of pears", "the stone wall",  "a torn map",
                         "two blue chairs",   "the long ladder",   "a silver bell",   "the spare wheel",
                         "a sack of flour",   "the tall mirror",   "an iron gate",    "the winter coat"};
constexpr Words kWhere = {"behind the mill",    "near the harbour",   "at the market",       "on the northern road",
                          "beside the river",   "in the attic",       "under the oak",       "at the station",
                          "in the valley",      "by the fountain",    "across the meadow",   "in the workshop",
                          "on the upper floor", "outside the chapel", "along the old canal", "in the courtyard"};
constexpr Words kWhen = {"before sunrise",       "on a rainy evening", "in early spring",  "after the harvest",
                         "during the fair",      "late at night",      "on the first day", "in the afternoon",
                         "without a word",       "for the third time", "as usual",         "with great care",
                         "to nobody's surprise", "a week later",       "in a great hurry", "by candlelight"};

std::string_view draw(const Words& words, Random& random) { return words[random.below(words.size())]; }

std::string draw_sentence(Random& random) {
  std::string text(draw(kWho, random));
  for (const Words* words : {&kDid, &kWhat, &kWhere, &kWhen}) text.append(" ").append(draw(*words, random));
  return text + ".";
}

}  // namespace

std::string Generator::text_of(std::uint64_t number) const {
  Random random(hash_text("haystack " + std::to_string(seed) + "/" + std::to_string(number)));
  std::string text;
  while (text.size() < kGeneratedFileBytes) {
    for (int i = 0; i < 6; ++i) {
      text += literature ? std::string(kLiteratureFiller) : draw_sentence(random);
      text += i == 5 ? "\n\n" : " ";
    }
  }
  return text;
}

std::optional<Generator> parse_generator(std::string_view haystack) {
  if (haystack == kLiteratureHaystack) return Generator{true, 0};
  if (!haystack.starts_with(kGeneratorPrefix)) return std::nullopt;
  const std::string_view digits = haystack.substr(kGeneratorPrefix.size());
  Generator generator;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), generator.seed);
  if (failure == std::errc{} && !digits.empty() && end == digits.data() + digits.size()) return generator;
  throw base::UsageError("the haystack \"" + std::string(haystack) +
                         "\" is no generator; write generate:SEED with a whole number, or generate:literature");
}

}  // namespace larimar::eval

#include "eval/model_quality.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/text/segmenter.h"
#include "common/text/text_stream.h"
#include "common/text/unicode.h"
#include "eval/disturbance.h"
#include "eval/needles.h"
#include "eval/random.h"
#include "eval/score.h"

namespace larimar::eval {
namespace {

using linalg::ConstMatrixRef;
using linalg::Index;
using linalg::Matrix;
using nlohmann::ordered_json;
using Tokens = std::vector<text::TokenId>;
using Report = std::function<void(const std::string&)>;

struct Sample {
  std::string text;
  Tokens tokens;
};

struct Rates {
  Recall tokens, segments;
};

ordered_json to_json(const Recall& rate) {
  return {{"n", rate.n}, {"hits", rate.hits}, {"value", rate.value()}, {"low", rate.low()}, {"high", rate.high()}};
}

ordered_json to_json(const Rates& rates) {
  return {{"token_accuracy", to_json(rates.tokens)}, {"segments_exact", to_json(rates.segments)}};
}

std::string line_of(const std::string& name, const Recall& rate) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), ": %.4f (%zu of %zu, %.4f to %.4f)", rate.value(), rate.hits, rate.n,
                rate.low(), rate.high());
  return name + text.data();
}

// `count` of them at equal distances; all if that is 0 or more than there are.
template <class T>
std::vector<T> spread(std::vector<T> values, std::size_t count) {
  if (count == 0 || count >= values.size()) return values;
  std::vector<T> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(std::move(values[i * values.size() / count]));
  return chosen;
}

// Right if the token stands at its position in both; the end is one more token.
void compare(const Tokens& expected, const Tokens& decoded, Rates& rates) {
  for (std::size_t i = 0; i < expected.size(); ++i) rates.tokens.add(i < decoded.size() && decoded[i] == expected[i]);
  rates.tokens.add(decoded.size() == expected.size());
  rates.segments.add(decoded == expected);
}

Rates compare_all(std::span<const Sample> samples, std::span<const Tokens> decoded) {
  Rates rates;
  for (std::size_t i = 0; i < samples.size(); ++i) compare(samples[i].tokens, decoded[i], rates);
  return rates;
}

std::size_t count_words(std::string_view text) {
  return text.empty() ? 0 : 1 + static_cast<std::size_t>(std::ranges::count(text, ' '));
}

std::string draw_identifier(Random& random) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kAll = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  std::string identifier(1, kLetters[random.below(kLetters.size())]);
  for (std::uint64_t more = 5 + random.below(11); more > 0; --more) identifier += kAll[random.below(kAll.size())];
  return identifier;
}

struct StringKind {
  const char* name;
  const char* needle;  // as parse_needle_kind takes it; null: an identifier
};
constexpr std::array<StringKind, 8> kStringKinds{{{"digits_3", "3"},
                                                  {"digits_4", "4"},
                                                  {"digits_5", "5"},
                                                  {"digits_6", "6"},
                                                  {"digits_7", "7"},
                                                  {"digits_16", "16"},
                                                  {"uuid", "uuid"},
                                                  {"identifier", nullptr}}};

std::string draw_string(const StringKind& kind, Random& random) {
  if (kind.needle == nullptr) return draw_identifier(random);
  return draw_needle(parse_needle_kind(kind.needle), random.next()).prefix_answer;
}

class Measurement {
 public:
  Measurement(ModelUnderTest model, const QualityOptions& options, const Report& report)
      : model_(model), options_(options), report_(report) {
    if (model_.encoder.code_size() != model_.decoder.code_size()) {
      throw base::ConfigError("the encoder's codes have " + std::to_string(model_.encoder.code_size()) +
                              " floats and the decoder's " + std::to_string(model_.decoder.code_size()) +
                              "; they are not of one model");
    }
  }

  ordered_json run(const std::filesystem::path& folder) {
    samples_ = read_samples(folder);
    const Matrix codes = encode(samples_);
    const std::vector<Tokens> decoded = decode(codes);
    ordered_json result{{"segments", samples_.size()}, {"tokens", 0}, {"seed", options_.seed}};
    std::size_t tokens = 0;
    for (const Sample& sample : samples_) tokens += sample.tokens.size();
    result["tokens"] = tokens;
    const Rates rates = compare_all(samples_, decoded);
    result["token_accuracy"] = reported("token accuracy", rates.tokens);
    result["segments_exact"] = exact_by_length(rates.segments, decoded);
    result["continuation_exact"] = continuations(decoded);
    for (const StringKind& kind : kStringKinds) result["planted"][kind.name] = planted(kind);
    result["disturbed"] = disturbed();
    return result;
  }

 private:
  std::vector<Sample> read_samples(const std::filesystem::path& folder) const {
    const text::SegmentRules rules{.max_tokens = model_.encoder.max_tokens()};
    std::vector<Sample> samples;
    for (const auto& path : text::list_text_files(folder)) {
      const std::string content = text::repair_utf8(text::TextStream(path).read_rest()).text;
      for (const std::string_view block : text::cut_blocks(content)) {
        for (text::Segment& segment : text::cut_segments(block, model_.tokenizer, rules)) {
          samples.push_back({std::move(segment.text), std::move(segment.tokens)});
        }
      }
    }
    if (samples.empty()) throw base::MissingInputError(folder.string() + " holds no text to measure with");
    samples = spread(std::move(samples), options_.max_segments);
    // Neighbours of one length share a batch without padding.
    std::ranges::stable_sort(samples, {}, [](const Sample& sample) { return sample.tokens.size(); });
    return samples;
  }

  Matrix encode(std::span<const Sample> samples) const {
    Matrix codes(static_cast<Index>(samples.size()), model_.encoder.code_size());
    for (std::size_t at = 0; at < samples.size(); at += options_.batch) {
      std::vector<Tokens> batch;
      for (const Sample& sample : samples.subspan(at, std::min(options_.batch, samples.size() - at))) {
        batch.push_back(sample.tokens);
      }
      codes.middleRows(static_cast<Index>(at), static_cast<Index>(batch.size())) = model_.encoder.encode(batch);
    }
    return codes;
  }

  std::vector<Tokens> decode(ConstMatrixRef codes) const {
    std::vector<Tokens> decoded;
    const auto batch = static_cast<Index>(options_.batch);
    for (Index at = 0; at < codes.rows(); at += batch) {
      const Index rows = std::min(batch, codes.rows() - at);
      for (Tokens& tokens : model_.decoder.decode(codes.middleRows(at, rows)))
        decoded.push_back(model_.words == nullptr ? std::move(tokens)
                                                  : model_.tokenizer.encode(model_.words->decode(tokens)));
    }
    return decoded;
  }

  ordered_json reported(const std::string& name, const Recall& rate) const {
    report_(line_of(name, rate));
    return to_json(rate);
  }

  ordered_json exact_by_length(const Recall& all, std::span<const Tokens> decoded) const {
    ordered_json result{{"all", reported("segments exact", all)}};
    std::array<Recall, 4> classes;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const std::size_t length = std::min<std::size_t>(samples_[i].tokens.size(), 64);
      classes[(length - 1) / 16].add(decoded[i] == samples_[i].tokens);
    }
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const std::string limit = std::to_string(16 * (i + 1));
      result["to_" + limit] = reported("segments exact to " + limit + " tokens", classes[i]);
    }
    return result;
  }

  // A prefix that ends at a word's end has its tokens in common with the whole: no piece reaches over a space's front.
  ordered_json continuations(std::span<const Tokens> decoded) const {
    Recall rate;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const auto& [sentence, tokens] = samples_[i];
      const std::size_t words = count_words(sentence);
      if (words < 2) continue;
      const Tokens prefix = model_.tokenizer.encode(text::first_words(sentence, words / 2));
      const auto behind = std::min(prefix.size(), decoded[i].size());
      rate.add(std::ranges::equal(std::span(decoded[i]).subspan(behind), std::span(tokens).subspan(prefix.size())));
    }
    return reported("continuation exact", rate);
  }

  // The sentence with the string at a word position; words are dropped from its end until it fits. Empty if nothing does.
  Sample plant(std::string_view sentence, const std::string& string, Random& random) const {
    std::size_t words = count_words(sentence);
    std::size_t place = random.below(words + 1);
    for (;;) {
      const std::string_view before = place == 0 ? std::string_view() : text::first_words(sentence, place);
      const std::string_view all = words == 0 ? std::string_view() : text::first_words(sentence, words);
      std::string text(before);
      text += (before.empty() ? "" : " ") + string;
      if (all.size() > before.size()) text += (before.empty() ? " " : "") + std::string(all.substr(before.size()));
      Tokens tokens = model_.tokenizer.encode(text);
      if (tokens.size() <= model_.encoder.max_tokens()) return {std::move(text), std::move(tokens)};
      if (words == 0) return {};
      place = std::min(place, --words);
    }
  }

  ordered_json planted(const StringKind& kind) const {
    Random random(options_.seed ^ hash_text(kind.name));
    std::vector<Sample> sentences;
    std::vector<std::string> strings;
    for (std::size_t i = 0; i < options_.planted; ++i) {
      const std::string string = draw_string(kind, random);
      Sample sample = plant(samples_[random.below(samples_.size())].text, string, random);
      if (sample.tokens.empty()) continue;
      sentences.push_back(std::move(sample));
      strings.push_back(string);
    }
    const std::vector<Tokens> decoded = decode(encode(sentences));
    Recall rate;
    for (std::size_t i = 0; i < strings.size(); ++i) {
      rate.add(contains_string(model_.tokenizer.decode(decoded[i]), strings[i]));
    }
    return reported(std::string("planted ") + kind.name, rate);
  }

  ordered_json disturbed() const {
    const std::vector<Sample> samples = spread(samples_, options_.max_disturbed);
    const Matrix codes = encode(samples);
    ordered_json result;
    const auto measure = [&](const std::string& name, const Matrix& changed) {
      const Rates rates = compare_all(samples, decode(changed));
      report_(line_of(name + ", token accuracy", rates.tokens));
      report_(line_of(name + ", segments exact", rates.segments));
      result[name] = to_json(rates);
    };
    for (const int decibels : {20, 10, 5}) {
      Random random(options_.seed ^ hash_text("noise " + std::to_string(decibels)));
      measure("noise_" + std::to_string(decibels) + "_db", add_noise(codes, decibels, random));
    }
    measure("superposition_10_percent", superpose(codes, 0.1F));
    measure("superposition_30_percent", superpose(codes, 0.3F));
    measure("float16", round_to_float16(codes));
    measure("int8", round_to_int8(codes));
    return result;
  }

  ModelUnderTest model_;
  QualityOptions options_;
  const Report& report_;
  std::vector<Sample> samples_;
};

}  // namespace

ordered_json measure_model(const std::filesystem::path& folder, ModelUnderTest model, const QualityOptions& options,
                           const Report& report) {
  return Measurement(model, options, report).run(folder);
}

}  // namespace larimar::eval

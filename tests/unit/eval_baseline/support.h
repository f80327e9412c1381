#pragma once
// A language model without weights, and contexts on disk.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/language_model.h"
#include "tests/support/fake_networks.h"

namespace larimar::eval::baseline {

/// Bytes, and behind them the pieces of `names`; "<s>" among them opens every text.
class NamedTokenizer final : public text::Tokenizer {
 public:
  explicit NamedTokenizer(std::vector<std::string> names = {}) : names_(std::move(names)) {}
  [[nodiscard]] std::vector<text::TokenId> encode(std::string_view text) const override {
    ++calls;
    return bytes_.encode(text);
  }
  [[nodiscard]] std::vector<text::TokenId> encode_marked(std::string_view text) const override {
    std::vector<text::TokenId> ids;
    while (!text.empty()) {
      std::size_t taken = 0;
      for (std::size_t i = 0; i < names_.size() && taken == 0; ++i) {
        if (!text.starts_with(names_[i])) continue;
        ids.push_back(static_cast<text::TokenId>(256 + i));
        taken = names_[i].size();
      }
      if (taken == 0) ids.push_back(static_cast<unsigned char>(text.front()));
      text.remove_prefix(taken == 0 ? 1 : taken);
    }
    return ids;
  }
  [[nodiscard]] std::string decode(std::span<const text::TokenId> ids) const override {
    std::string text;
    for (const text::TokenId id : ids) {
      if (id < 256) text.push_back(static_cast<char>(id));
    }
    return text;
  }
  /// With special pieces by their names, to compare prompts.
  [[nodiscard]] std::string decode_marked(std::span<const text::TokenId> ids) const override {
    std::string text;
    for (const text::TokenId id : ids) {
      if (id < 256) {
        text.push_back(static_cast<char>(id));
      } else {
        text += names_[static_cast<std::size_t>(id - 256)];
      }
    }
    return text;
  }
  [[nodiscard]] std::vector<text::TokenId> with_specials(std::vector<text::TokenId> ids) const override {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == "<s>") ids.insert(ids.begin(), static_cast<text::TokenId>(256 + i));
    }
    return ids;
  }
  [[nodiscard]] text::TokenId size() const override { return static_cast<text::TokenId>(256 + names_.size()); }
  [[nodiscard]] text::TokenId id_of(std::string_view piece) const override {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == piece) return static_cast<text::TokenId>(256 + i);
    }
    throw base::FormatError("no piece \"" + std::string(piece) + "\"");
  }
  mutable std::size_t calls = 0;

 private:
  support::ByteTokenizer bytes_;
  std::vector<std::string> names_;
};

/// Notes its prompts; its answer is made of letters that follow from the prompt alone.
class FakeLanguage final : public model::LanguageModel {
 public:
  explicit FakeLanguage(std::size_t positions, std::int64_t vocabulary = 300)
      : positions_(positions), vocabulary_(vocabulary) {}
  [[nodiscard]] std::string architecture() const override { return "fake"; }
  [[nodiscard]] std::int64_t vocabulary() const override { return vocabulary_; }
  [[nodiscard]] std::size_t positions() const override { return positions_; }
  [[nodiscard]] std::vector<std::vector<text::TokenId>> generate(std::span<const std::vector<text::TokenId>> given,
                                                                 const model::GenerationOptions& asked) override {
    options = asked;
    std::vector<std::vector<text::TokenId>> answers;
    for (const auto& prompt : given) {
      if (prompt.size() + asked.max_new_tokens > positions_) throw base::ShapeError("too long for the model");
      prompts.push_back(prompt);
      std::uint64_t state = 1;
      for (const text::TokenId token : prompt) state = support::mix(state, static_cast<std::uint64_t>(token));
      answers.push_back({' '});
      for (std::uint64_t i = 0; i < 8; ++i)
        answers.back().push_back(static_cast<text::TokenId>('a' + (state >> (5 * i)) % 26));
    }
    return answers;
  }
  [[nodiscard]] std::vector<double> mean_log_probability(
      std::span<const std::vector<text::TokenId>> given,
      std::span<const std::vector<text::TokenId>> continuations) override {
    static_cast<void>(continuations);
    return std::vector<double>(given.size());
  }
  [[nodiscard]] linalg::Matrix logits(std::span<const text::TokenId> tokens) override {
    return linalg::Matrix::Zero(static_cast<linalg::Index>(tokens.size()), vocabulary_);
  }
  std::vector<std::vector<text::TokenId>> prompts;
  model::GenerationOptions options;

 private:
  std::size_t positions_;
  std::int64_t vocabulary_;
};

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    static std::atomic<int> number{0};
    path_ = std::filesystem::temp_directory_path() /
            ("larimar_baseline_" + std::to_string(::getpid()) + "_" + std::to_string(number++));
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    base::write_file(path_ / name, text);
    return path_ / name;
  }
  [[nodiscard]] std::filesystem::path at(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace larimar::eval::baseline

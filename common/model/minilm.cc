#include "common/model/minilm.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/model/bert_network.h"
#include "common/model/in_batches.h"
#include "common/model/minilm_batches.h"
#include "common/model/minilm_config.h"
#include "common/text/tokenizer.h"

namespace larimar::model {
namespace {

class MiniLm final : public KeyEncoder {
 public:
  MiniLm(const std::filesystem::path& folder, const MiniLmOptions& options)
      : options_(options),
        config_(read_minilm_config(folder)),
        tokenizer_(text::load_tokenizer(folder / "tokenizer.json")),
        first_(tokenizer_->id_of("[CLS]")),
        last_(tokenizer_->id_of("[SEP]")),
        network_(std::make_shared<const Checkpoint>(folder), config_, "", false, options.arithmetic, options.device) {
    if (static_cast<std::uint64_t>(tokenizer_->size()) > config_.vocabulary) {
      throw base::FormatError((folder / "tokenizer.json").string() + " has " + std::to_string(tokenizer_->size()) +
                              " pieces, but config.json says " + std::to_string(config_.vocabulary));
    }
  }

  [[nodiscard]] linalg::Index key_size() const override { return static_cast<linalg::Index>(config_.hidden); }
  [[nodiscard]] std::string name() const override { return "minilm"; }

  [[nodiscard]] linalg::Matrix encode(std::span<const std::string> texts) override {
    std::vector<std::vector<text::TokenId>> sequences;
    std::vector<std::size_t> lengths;
    for (const std::string& text : texts) {
      sequences.push_back(tokenize(text));
      lengths.push_back(sequences.back().size());
    }
    linalg::Matrix keys(static_cast<linalg::Index>(texts.size()), key_size());
    for (const auto& batch : plan_batches(lengths, options_.batch_tokens)) {
      std::vector<std::vector<text::TokenId>> chosen;
      for (const std::size_t index : batch) chosen.push_back(std::move(sequences[index]));
      at_once(static_cast<std::int64_t>(chosen.size()), "texts to make keys of",
              [&](std::int64_t first, std::int64_t count) {
                const linalg::Matrix rows = network_.mean_keys(
                    std::span(chosen).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
                for (linalg::Index i = 0; i < count; ++i)
                  keys.row(static_cast<linalg::Index>(batch[static_cast<std::size_t>(first + i)])) = rows.row(i);
              });
    }
    return keys;
  }

  [[nodiscard]] linalg::Matrix encode_vocabulary() const {
    const text::TokenId pieces = tokenizer_->size();
    const auto together = static_cast<text::TokenId>(std::max<std::size_t>(options_.batch_tokens / 3, 1));
    linalg::Matrix keys(pieces, key_size());
    for (text::TokenId begin = 0; begin < pieces; begin += together) {
      const text::TokenId end = std::min(begin + together, pieces);
      std::vector<std::vector<text::TokenId>> alone;
      for (text::TokenId piece = begin; piece < end; ++piece) alone.push_back({first_, piece, last_});
      keys.middleRows(begin, end - begin) = network_.mean_keys(alone);
    }
    return keys;
  }

 private:
  [[nodiscard]] std::vector<text::TokenId> tokenize(const std::string& text) const {
    std::vector<text::TokenId> ids = tokenizer_->encode(text);
    ids.resize(std::min(ids.size(), config_.max_tokens - 2));
    ids.insert(ids.begin(), first_);
    ids.push_back(last_);
    return ids;
  }

  MiniLmOptions options_;
  MiniLmConfig config_;
  std::unique_ptr<const text::Tokenizer> tokenizer_;
  text::TokenId first_;
  text::TokenId last_;
  BertNetwork network_;
};

}  // namespace

std::unique_ptr<KeyEncoder> load_minilm(const std::filesystem::path& folder, const MiniLmOptions& options) {
  return std::make_unique<MiniLm>(folder, options);
}

linalg::Matrix encode_vocabulary(const std::filesystem::path& folder, const MiniLmOptions& options) {
  return MiniLm(folder, options).encode_vocabulary();
}

}  // namespace larimar::model

#include "common/text/file_tokenizer.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/base/error.h"
#include "common/text/added_tokens.h"
#include "common/text/bpe_model.h"
#include "common/text/normalizer.h"
#include "common/text/piece_decoder.h"
#include "common/text/post_processor.h"
#include "common/text/pre_tokenizer.h"
#include "common/text/word_piece.h"

namespace larimar::text {
namespace {

/// text -> added tokens cut out -> normalised -> words -> pieces, and back. Each part reads its own section of the file.
class FileTokenizer final : public Tokenizer {
 public:
  explicit FileTokenizer(const JsonPart& root)
      : source_(root.file()),
        vocabulary_(root.at("model").at("vocab")),
        normalizer_(root),
        pre_tokenizer_(root),
        added_(root, vocabulary_, normalizer_),
        decoder_(root) {
    const JsonPart model = root.at("model");
    if (model.type() == "BPE") {
      model_ = std::make_unique<BpeModel>(model, vocabulary_, pre_tokenizer_.is_byte_level());
    } else {
      model_ = std::make_unique<WordPieceModel>(model, vocabulary_);
      specials_count_ = true;
    }
    for (const AddedToken& token : added_.all()) {
      by_name_.emplace(token.text, token.id);
      added_ids_.emplace(token.id, &token);
      size_ = std::max(size_, token.id + 1);
    }
    size_ = std::max(size_, vocabulary_.size());
    post_processor_.emplace(root, size_);
  }

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text) const override {
    return encode_as(text, !specials_count_);
  }
  [[nodiscard]] std::vector<TokenId> encode_marked(std::string_view text) const override {
    return encode_as(text, false);
  }

  [[nodiscard]] std::string decode(std::span<const TokenId> ids) const override {
    return decode_as(ids, SpecialTokens::kSkip);
  }
  [[nodiscard]] std::string decode_marked(std::span<const TokenId> ids) const override {
    return decode_as(ids, SpecialTokens::kKeep);
  }
  [[nodiscard]] std::unique_ptr<DecodeState> start_decode(SpecialTokens specials) const override {
    return std::make_unique<State>(*this, specials);
  }

  [[nodiscard]] std::vector<TokenId> with_specials(std::vector<TokenId> ids) const override {
    return post_processor_->apply(std::move(ids));
  }
  [[nodiscard]] TokenId size() const override { return size_; }

  [[nodiscard]] TokenId id_of(std::string_view piece) const override {
    const auto added = by_name_.find(piece);
    if (added != by_name_.end()) return added->second;
    const auto found = vocabulary_.find(piece);
    if (!found) throw base::FormatError(source_ + ": the vocabulary lacks the piece \"" + std::string(piece) + "\"");
    return *found;
  }

 private:
  class State final : public DecodeState {
   public:
    State(const FileTokenizer& tokenizer, SpecialTokens specials)
        : tokenizer_(tokenizer), specials_(specials), run_(tokenizer.decoder_.start()) {}
    [[nodiscard]] std::string push(TokenId id) override {
      std::string text;
      tokenizer_.decode_one(run_, id, specials_, text);
      return text;
    }
    [[nodiscard]] std::string finish() override {
      std::string text;
      tokenizer_.decoder_.finish(run_, text);
      return text;
    }

   private:
    const FileTokenizer& tokenizer_;
    SpecialTokens specials_;
    PieceDecoder::Run run_;
  };

  [[nodiscard]] std::vector<TokenId> encode_as(std::string_view text, bool specials_are_text) const {
    std::vector<TokenId> ids;
    ids.reserve(text.size() / 3);
    if (specials_are_text && !added_.has_plain()) {
      encode_raw(text, true, specials_are_text, ids);
      return ids;
    }
    for (const TextPart& part : added_.split_raw(text, specials_are_text)) {
      if (part.id != TextPart::kText)
        ids.push_back(part.id);
      else
        encode_raw(part.text, part.text.data() == text.data(), specials_are_text, ids);
    }
    return ids;
  }

  void encode_raw(std::string_view raw, bool at_start, bool specials_are_text, std::vector<TokenId>& ids) const {
    if (raw.empty()) return;
    if (normalizer_.is_empty()) return encode_normal(raw, at_start, specials_are_text, ids);
    encode_normal(normalizer_.apply(raw), at_start, specials_are_text, ids);
  }

  void encode_normal(std::string_view text, bool at_start, bool specials_are_text, std::vector<TokenId>& ids) const {
    if (specials_are_text && !added_.has_plain()) return encode_words(text, at_start, ids);
    for (const TextPart& part : added_.split_normalized(text, specials_are_text)) {
      if (part.id != TextPart::kText)
        ids.push_back(part.id);
      else
        encode_words(part.text, at_start && part.text.data() == text.data(), ids);
    }
  }

  void encode_words(std::string_view text, bool at_start, std::vector<TokenId>& ids) const {
    Words words;
    pre_tokenizer_.split(text, at_start, words);
    for (const std::string_view word : words.all) model_->encode(word, ids);
  }

  [[nodiscard]] std::string decode_as(std::span<const TokenId> ids, SpecialTokens specials) const {
    std::string text;
    PieceDecoder::Run run = decoder_.start();
    for (const TokenId id : ids) decode_one(run, id, specials, text);
    decoder_.finish(run, text);
    return text;
  }

  void decode_one(PieceDecoder::Run& run, TokenId id, SpecialTokens specials, std::string& text) const {
    if (id < 0 || id >= size_) return;
    const auto added = added_ids_.find(id);
    if (added == added_ids_.end()) {
      decoder_.push(run, vocabulary_.piece(id), text);
    } else if (!added->second->special || specials == SpecialTokens::kKeep) {
      decoder_.push(run, added->second->text, text);
    }
  }

  std::string source_;
  Vocabulary vocabulary_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  AddedTokens added_;
  PieceDecoder decoder_;
  std::unique_ptr<const PieceModel> model_;
  std::optional<PostProcessor> post_processor_;
  std::unordered_map<std::string, TokenId, TextHash, std::equal_to<>> by_name_;
  std::unordered_map<TokenId, const AddedToken*> added_ids_;
  TokenId size_ = 0;
  bool specials_count_ = false;  // encode() finds special tokens too: BERT's have no other spelling
};

}  // namespace

std::unique_ptr<const Tokenizer> make_tokenizer(const nlohmann::json& root, const std::filesystem::path& source) {
  const JsonPart whole(root, source.string());
  const std::string& type = whole.at("model").type();
  if (type != "BPE" && type != "WordPiece") {
    throw base::FormatError(source.string() + ": tokenizer model \"" + type +
                            "\" is not known; known are BPE and WordPiece");
  }
  return std::make_unique<const FileTokenizer>(whole);
}

}  // namespace larimar::text

#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/text/json_part.h"
#include "common/text/merge_table.h"
#include "common/text/piece_model.h"
#include "common/text/vocabulary.h"

namespace larimar::text {

/// Byte-pair encoding. Byte-level: a word is its bytes, each with a piece, so any bytes can be encoded. Otherwise a word is
/// its code points; one without a piece becomes its bytes <0x00> .. <0xFF> (byte_fallback), else the unknown token.
/// Source  the published behaviour of the Hugging Face library for the same file.
class BpeModel final : public PieceModel {
 public:
  /// Throws FormatError naming the field: an option that is not known, a merge that is no pair of pieces or makes none.
  BpeModel(const JsonPart& model, const Vocabulary& vocabulary, bool byte_level);

  void encode(std::string_view word, std::vector<TokenId>& ids) const override;

 private:
  void read_bytes(const JsonPart& model, const Vocabulary& vocabulary);
  void read_code_points(const JsonPart& model, const Vocabulary& vocabulary);
  void read_merges(const JsonPart& merges, const Vocabulary& vocabulary);
  /// Writes the ids a word starts from, at most one a byte; returns how many.
  std::size_t start(std::string_view word, std::span<TokenId> parts) const;
  std::size_t start_code_points(std::string_view word, std::span<TokenId> parts) const;
  [[nodiscard]] TokenId id_of(std::int32_t code_point) const;  // kNoPiece if there is none

  static constexpr TokenId kNoPiece = -1;
  bool byte_level_ = false, fallback_ = false, fuse_unknown_ = false;
  std::array<TokenId, 256> byte_ids_{};
  std::array<TokenId, 128> ascii_ids_{};
  std::unordered_map<std::int32_t, TokenId> wide_ids_;  // of code points above ASCII
  std::optional<TokenId> unknown_;
  MergeTable merges_;
};

}  // namespace larimar::text

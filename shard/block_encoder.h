#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/encoders.h"
#include "common/text/segmenter.h"

namespace larimar::shard {

/// What the write key of a segment is made from.
enum class KeyMode {
  kPrefix,    // its first words
  kSegment,   // the whole segment
  kSentence,  // each of its sentences: several keys
};

struct EncodingRules {
  text::SegmentRules segments;
  KeyMode key_mode = KeyMode::kSegment;
  std::size_t prefix_words = 8;
  bool strict = false;                                 // refuse invalid UTF-8 instead of masking it
  std::size_t max_line_bytes = std::size_t{16} << 20;  // a longer line is no text
};

/// A segment within its block.
struct SegmentPlace {
  text::Span span;         // bytes of the block
  std::uint64_t line = 0;  // line ends before it in the block
};

/// A block ready to be written. Positions are relative to the block, so equal blocks of other documents are equal.
struct EncodedBlock {
  std::vector<SegmentPlace> places;      // [segments]
  linalg::Matrix codes;                  // [segments, C]
  linalg::Matrix keys;                   // [rows, D]
  std::vector<std::uint32_t> key_owner;  // [rows], position in places
  std::uint64_t tokens = 0;
  std::uint64_t masked_bytes = 0;  // not valid UTF-8, read as '?'
};

/// Seconds spent so far.
struct EncodingTimes {
  double segmenting = 0;
  double codes = 0;
  double keys = 0;
};

/// Where a block lies, for errors.
struct BlockOrigin {
  std::filesystem::path document;
  std::uint64_t byte = 0;
  std::uint64_t line = 1;
};

/// Text of a block to segments, codes and keys. Batches are cut within the block, so a code has the same bits whoever
/// encodes the block. The encoders and the tokenizer are borrowed. Not thread-safe.
class BlockEncoder {
 public:
  BlockEncoder(model::CodeEncoder& codes, model::KeyEncoder& keys, const text::Tokenizer& tokenizer,
               const EncodingRules& rules);

  /// Calls   local.
  /// Throws  FormatError naming document, line or byte: a line above max_line_bytes, or invalid UTF-8 if strict.
  [[nodiscard]] EncodedBlock encode(std::string_view block, const BlockOrigin& origin);

  [[nodiscard]] const EncodingTimes& times() const { return times_; }
  [[nodiscard]] linalg::Index code_size() const { return codes_.code_size(); }
  [[nodiscard]] linalg::Index key_size() const { return keys_.key_size(); }

 private:
  void check_lines(std::string_view block, const BlockOrigin& origin) const;
  [[nodiscard]] linalg::Matrix encode_codes(const std::vector<text::Segment>& segments);
  void encode_keys(const std::vector<text::Segment>& segments, EncodedBlock& block);

  model::CodeEncoder& codes_;
  model::KeyEncoder& keys_;
  const text::Tokenizer& tokenizer_;
  EncodingRules rules_;
  EncodingTimes times_;
};

}  // namespace larimar::shard

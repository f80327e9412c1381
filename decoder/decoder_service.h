#pragma once
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/encoders.h"
#include "common/text/tokenizer.h"

namespace larimar::decoder {

/// Texts from z_read. Rows that hold no read (all zero) give empty texts. Decoder and tokenizer are borrowed.
class DecoderService {
 public:
  DecoderService(model::CodeDecoder& decoder, const text::Tokenizer& tokenizer)
      : decoder_(decoder), tokenizer_(tokenizer) {}

  /// Shapes  z_read [reads, C]; returns [reads] texts.
  /// Calls   local. Throws ShapeError if C is not the decoder's.
  [[nodiscard]] std::vector<std::string> decode(linalg::ConstMatrixRef z_read);

 private:
  model::CodeDecoder& decoder_;
  const text::Tokenizer& tokenizer_;
};

}  // namespace larimar::decoder

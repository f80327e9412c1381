#include "decoder/decoder_service.h"

#include "common/base/failpoint.h"

namespace larimar::decoder {

std::vector<std::string> DecoderService::decode(linalg::ConstMatrixRef z_read) {
  LARIMAR_FAILPOINT("decoder.decode");
  std::vector<linalg::Index> rows;
  for (linalg::Index i = 0; i < z_read.rows(); ++i) {
    if (!z_read.row(i).isZero(0)) rows.push_back(i);
  }
  linalg::Matrix codes(static_cast<linalg::Index>(rows.size()), z_read.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) codes.row(static_cast<linalg::Index>(i)) = z_read.row(rows[i]);
  const auto tokens = decoder_.decode(codes);
  std::vector<std::string> texts(static_cast<std::size_t>(z_read.rows()));
  for (std::size_t i = 0; i < rows.size(); ++i) texts[static_cast<std::size_t>(rows[i])] = tokenizer_.decode(tokens[i]);
  LARIMAR_FAILPOINT("decoder.decoded");
  return texts;
}

}  // namespace larimar::decoder

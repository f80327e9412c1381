#pragma once
// Codes on their way to the decoder ranks, and texts on their way back.
#include <string>
#include <vector>

#include "common/comm/transport.h"
#include "common/linalg/matrix.h"
#include "common/wire/plan.h"
#include "launch/exchange.h"

namespace larimar::launch {

/// z_read of one batch turned to texts by the decoder ranks, rows shared out evenly. Made, and finished, by every rank; between the
/// two the ranks may do other things, such as the next read. Borrows transport and roles.
class Decoding {
 public:
  /// Shapes  z_read [reads, C] on rank 0, not looked at elsewhere; reads and C are equal on all ranks.
  /// Calls   point to point: rank 0 sends each decoder rank its rows.
  Decoding(comm::Transport& transport, const wire::RolePlan& roles_plan, const Roles& roles,
           const linalg::Matrix& z_read, std::size_t reads, std::size_t code_size);

  /// Decodes this rank's rows, if it has any and has not done so. Local.
  void decode();

  /// Returns [reads] texts on rank 0, empty elsewhere. Calls: decode(), then point to point the texts to rank 0. Once.
  [[nodiscard]] std::vector<std::string> finish();

 private:
  struct Share {
    std::size_t begin = 0, end = 0;
  };
  [[nodiscard]] Share share_of(std::size_t part) const;

  comm::Transport& transport_;
  const wire::RolePlan& plan_;
  decoder::DecoderService* decoder_;  // null where this rank does not decode
  std::size_t reads_;
  linalg::Matrix codes_;  // of this rank, until they are decoded
  std::vector<std::string> mine_;
};

}  // namespace larimar::launch

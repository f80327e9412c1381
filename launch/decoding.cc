#include "launch/decoding.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "launch/text_messages.h"

namespace larimar::launch {
namespace {

constexpr comm::Tag kCodesToDecode{20};

}  // namespace

Decoding::Share Decoding::share_of(std::size_t part) const {
  const std::size_t parts = plan_.decoder_ranks.size();
  return {reads_ * part / parts, reads_ * (part + 1) / parts};
}

Decoding::Decoding(comm::Transport& transport, const wire::RolePlan& roles_plan, const Roles& roles,
                   const linalg::Matrix& z_read, std::size_t reads, std::size_t code_size)
    : transport_(transport), plan_(roles_plan), decoder_(roles.decoder), reads_(reads) {
  const comm::PhaseScope phase(transport, "decode");
  for (std::size_t part = 0; part < plan_.decoder_ranks.size(); ++part) {
    const Share share = share_of(part);
    const auto rows = static_cast<linalg::Index>(share.end - share.begin);
    const int rank = plan_.decoder_ranks[part];
    if (rows == 0) continue;
    if (rank == transport.rank()) codes_.resize(rows, static_cast<linalg::Index>(code_size));
    if (transport.rank() == 0 && rank == 0)
      codes_ = z_read.middleRows(static_cast<linalg::Index>(share.begin), rows);
    else if (transport.rank() == 0)
      transport.send(std::span(z_read.data() + share.begin * code_size, (share.end - share.begin) * code_size), rank,
                     kCodesToDecode);
    else if (rank == transport.rank())
      transport.receive(std::span(codes_.data(), static_cast<std::size_t>(codes_.size())), 0, kCodesToDecode);
  }
}

void Decoding::decode() {
  if (codes_.rows() == 0) return;
  mine_ = decoder_->decode(codes_);
  codes_.resize(0, 0);
}

std::vector<std::string> Decoding::finish() {
  const comm::PhaseScope phase(transport_, "decode");
  decode();
  std::vector<std::string> texts;
  for (std::size_t part = 0; part < plan_.decoder_ranks.size(); ++part) {
    const Share share = share_of(part);
    const int rank = plan_.decoder_ranks[part];
    if (share.begin == share.end) continue;
    if (rank == transport_.rank() && rank != 0)
      send_texts(transport_, mine_, 0);
    else if (transport_.rank() == 0)
      std::ranges::move(rank == 0 ? std::move(mine_) : receive_texts(transport_, rank), std::back_inserter(texts));
  }
  return texts;
}

}  // namespace larimar::launch

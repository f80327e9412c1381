#include "train/shared_gradient.h"

#include <cmath>
#include <cstring>
#include <string>

#include "common/base/error.h"

namespace larimar::train {
namespace {

// message = u64 first | u64 last | f32 sums[pieces(first, last) * length], the sums of a run of micro-batches
struct Parts {
  Rows rows;
  std::vector<float> sums;
};
constexpr std::size_t kHeader = 2 * sizeof(std::uint64_t);

std::vector<std::byte> message_of(const Parts& parts) {
  const std::uint64_t header[] = {parts.rows.first, parts.rows.last};
  std::vector<std::byte> bytes(kHeader + parts.sums.size() * sizeof(float));
  std::memcpy(bytes.data(), header, kHeader);
  std::memcpy(bytes.data() + kHeader, parts.sums.data(), parts.sums.size() * sizeof(float));
  return bytes;
}

Parts parts_of(std::span<const std::byte> bytes) {
  std::uint64_t header[2];
  std::memcpy(header, bytes.data(), kHeader);
  Parts parts{{header[0], header[1]}, std::vector<float>((bytes.size() - kHeader) / sizeof(float))};
  std::memcpy(parts.sums.data(), bytes.data() + kHeader, bytes.size() - kHeader);
  return parts;
}

void check_finite(std::span<const Tally> tallies, std::size_t ranks) {
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const Rows run = even_part(tallies.size(), rank, ranks);
    for (std::size_t i = run.first; i < run.last; ++i) {
      if (std::isfinite(tallies[i].loss)) continue;
      throw base::NumericalError("the loss of micro-batch " + std::to_string(i) + ", learnt by rank " +
                                 std::to_string(rank) +
                                 ", is not finite; lower --learning-rate and resume from the checkpoint");
    }
  }
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
  loss += other.loss;
  tokens += other.tokens;
  right_tokens += other.right_tokens;
  segments += other.segments;
  exact_segments += other.exact_segments;
  return *this;
}

void check_micro_batches(std::size_t micro_batches, int ranks) {
  if (micro_batches >= static_cast<std::size_t>(ranks)) return;
  const std::string wanted = std::to_string(ranks);
  throw base::ConfigError(wanted + " ranks cannot share " + std::to_string(micro_batches) +
                          (micro_batches == 1 ? " micro-batch" : " micro-batches") +
                          ": each needs one of its own; give --micro-batches " + wanted +
                          " or a multiple of it, or start fewer ranks");
}

SharedGradient::SharedGradient(comm::Transport& transport, std::size_t micro_batches, std::size_t length)
    : transport_(transport), micro_batches_(micro_batches), length_(length), sum_(micro_batches, length) {
  check_micro_batches(micro_batches, transport.size());
  mine_ =
      even_part(micro_batches, static_cast<std::size_t>(transport.rank()), static_cast<std::size_t>(transport.size()));
}

void SharedGradient::add(std::span<const float> gradient, const Tally& tally) {
  const std::size_t next = mine_.first + tallies_.size();
  sum_.push({next, next + 1}, gradient);
  tallies_.push_back(tally);
}

void SharedGradient::finish(const std::function<void(std::span<const float>, const Tally&)>& update) {
  if (tallies_.size() != mine_.size()) {
    throw base::ShapeError(std::to_string(tallies_.size()) + " of " + std::to_string(mine_.size()) +
                           " micro-batches of this rank are learnt");
  }
  const auto ranks = static_cast<std::size_t>(transport_.size());
  const auto rows_of = [&](int first, int last) {
    return Rows{even_part(micro_batches_, static_cast<std::size_t>(first), ranks).first,
                even_part(micro_batches_, static_cast<std::size_t>(last) - 1, ranks).last};
  };
  const comm::Merging merging{
      [&](int first, int last) { return kHeader + sum_.pieces(rows_of(first, last)) * length_ * sizeof(float); },
      [&](std::span<const std::byte> low, std::span<const std::byte> high) {
        const Parts left = parts_of(low), right = parts_of(high);
        TreeSum both(micro_batches_, length_);
        both.push(left.rows, left.sums);
        both.push(right.rows, right.sums);
        return message_of({{left.rows.first, right.rows.last}, both.take()});
      }};
  const std::vector<std::byte> merged = transport_.merge_up(message_of({mine_, sum_.take()}), merging);
  finish_batch(transport_, micro_batches_, tallies_, [&](const Tally& all) { update(parts_of(merged).sums, all); });
}

void finish_batch(comm::Transport& transport, std::size_t micro_batches, const std::vector<Tally>& mine,
                  const std::function<void(const Tally&)>& update) {
  const auto ranks = static_cast<std::size_t>(transport.size());
  std::vector<std::size_t> counts;
  for (std::size_t rank = 0; rank < ranks; ++rank) counts.push_back(even_part(micro_batches, rank, ranks).size());
  const std::vector<Tally> tallies = transport.gather_varying(std::span<const Tally>(mine), counts, 0);
  do_together(transport, [&] {
    if (transport.rank() != 0) return;
    check_finite(tallies, ranks);
    Tally all;
    for (const Tally& tally : tallies) all += tally;
    update(all);
  });
}

}  // namespace larimar::train

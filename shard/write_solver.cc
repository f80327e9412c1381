#include "shard/write_solver.h"

#include <limits>
#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"

namespace larimar::shard {
namespace {

constexpr std::uint32_t kUnused = std::numeric_limits<std::uint32_t>::max();

}  // namespace

WriteSolver::WriteSolver(std::shared_ptr<const memory::Addresser> addresser, linalg::Index code_size)
    : addresser_(std::move(addresser)), writer_(code_size) {
  if (!addresser_->is_one_hot())
    throw base::Error(base::ExitCode::kInternal, "dense and gaussian addressing need the solver for weights");
  slot_of_row_.assign(static_cast<std::size_t>(addresser_->slots()), kUnused);
}

std::vector<std::uint32_t> WriteSolver::add(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes,
                                            std::span<const std::uint32_t> owner) {
  LARIMAR_EXPECT(static_cast<std::size_t>(keys.rows()) == owner.size());
  std::vector<std::uint32_t> rows = addresser_->nearest(keys);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::uint32_t& slot = slot_of_row_[rows[i]];
    if (slot == kUnused) {
      slot = static_cast<std::uint32_t>(writer_.slots());
      writer_.grow(writer_.slots() + 1);
    }
    writer_.add(slot, {codes.row(static_cast<linalg::Index>(owner[i])).data(), static_cast<std::size_t>(codes.cols())});
    solved_ = false;
  }
  return rows;
}

void WriteSolver::remove(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes,
                         std::span<const std::uint32_t> owner) {
  const std::vector<std::uint32_t> rows = addresser_->nearest(keys);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    writer_.remove(slot_of_row_[rows[i]],
                   {codes.row(static_cast<linalg::Index>(owner[i])).data(), static_cast<std::size_t>(codes.cols())});
    solved_ = false;
  }
}

void WriteSolver::solve() {
  if (solved_) return;
  memory_ = writer_.solve(std::nullopt, 0.0);
  solved_ = true;
}

std::optional<std::size_t> WriteSolver::slot_of(std::uint32_t row) const {
  LARIMAR_EXPECT(row < slot_of_row_.size());
  if (slot_of_row_[row] == kUnused) return std::nullopt;
  return slot_of_row_[row];
}

std::span<const float> WriteSolver::memory(std::size_t slot) const {
  LARIMAR_EXPECT(solved_ && slot < slots());
  return {memory_.row(static_cast<linalg::Index>(slot)).data(), static_cast<std::size_t>(memory_.cols())};
}

}  // namespace larimar::shard

#include "shard/shard_memory.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/linalg/finite.h"
#include "common/linalg/fixed_dot.h"
#include "common/linalg/nearest.h"

namespace larimar::shard {
namespace {

std::size_t checked_code_size(linalg::Index code_size) {
  if (code_size < 1)
    throw base::ShapeError("codes need at least one component, but the code size is " + std::to_string(code_size));
  return static_cast<std::size_t>(code_size);
}

void require_equal(linalg::Index found, std::size_t wanted, const char* what) {
  if (std::cmp_equal(found, wanted)) return;
  throw base::ShapeError(std::string("a batch of segments has ") + std::to_string(found) + " " + what + " where " +
                         std::to_string(wanted) + " are needed");
}

}  // namespace

ShardMemory::ShardMemory(ShardMemoryOptions options)
    : options_(std::move(options)), keys_(options_.key_size), codes_(checked_code_size(options_.code_size)) {
  if (addressing() == Addressing::kNearestStored) {
    if (options_.codebook.size() > 0)
      throw base::ShapeError("stored addressing takes no codebook; its write keys are the key memory");
    return;
  }
  if (options_.codebook.rows() > 0 && options_.codebook.cols() != key_size()) {
    throw base::ShapeError("the codebook's rows have " + std::to_string(options_.codebook.cols()) +
                           " components but keys have " + std::to_string(key_size()));
  }
  solver_.emplace(std::move(options_.codebook), code_size());
}

void ShardMemory::check(const AppendBatch& batch) const {
  require_equal(batch.codes.rows(), batch.segments.size(), "codes");
  require_equal(batch.codes.cols(), static_cast<std::size_t>(code_size()), "components a code");
  require_equal(batch.keys.rows(), batch.key_owner.size(), "keys");
  std::vector<bool> has_key(batch.segments.size(), false);
  for (std::size_t i = 0; i < batch.key_owner.size(); ++i) {
    if (batch.key_owner[i] >= has_key.size()) {
      throw base::ShapeError("write key " + std::to_string(i) + " belongs to segment " +
                             std::to_string(batch.key_owner[i]) + " of a batch of " + std::to_string(has_key.size()));
    }
    has_key[batch.key_owner[i]] = true;
  }
  const auto keyless = std::ranges::find(has_key, false);
  if (keyless != has_key.end()) {
    throw base::ShapeError("segment " + std::to_string(keyless - has_key.begin()) +
                           " of a batch has no write key, so nothing could ever read it");
  }
  keys_.check(batch.keys, "write keys");
  linalg::check_finite(batch.codes, "codes");
  segments_.check(batch.segments);
}

void ShardMemory::append(const AppendBatch& batch) {
  check(batch);
  if (batch.segments.empty()) return;
  const std::uint32_t first_slot = static_cast<std::uint32_t>(segments_.size());
  const std::uint32_t first_row = static_cast<std::uint32_t>(keys_.rows());
  std::vector<KeyOwner> owners;
  owners.reserve(batch.key_owner.size());
  for (const std::uint32_t owner : batch.key_owner) {
    owners.push_back({.slot = base::SlotIndex{first_slot + owner}, .segment = batch.segments[owner].id});
  }
  segments_.append(batch.segments);
  keys_.append(batch.keys, owners);
  solved_ = false;
  if (addressing() == Addressing::kNearestStored) {
    codes_.append(batch.codes);
    return;
  }
  const std::vector<std::uint32_t> rows = solver_->add(batch.keys, batch.codes, batch.key_owner);
  rows_of_slot_.resize(solver_->slots());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows_of_slot_[*solver_->slot_of(rows[i])].push_back(first_row + static_cast<std::uint32_t>(i));
  }
}

void ShardMemory::solve() {
  // Stored: W has one slot per segment and each of its equations says "this row is this code", so M = Z already.
  if (solver_) solver_->solve();
  solved_ = true;
}

void ShardMemory::require(Addressing addressing) const {
  if (addressing != options_.addressing)
    throw base::Error(base::ExitCode::kInternal, "this read does not exist for the memory's addressing");
  if (!solved_) throw base::Error(base::ExitCode::kInternal, "a shard was read before its write was solved");
}

std::vector<wire::Candidate> ShardMemory::read_candidates(linalg::ConstMatrixRef keys, std::size_t k) const {
  require(Addressing::kNearestStored);
  return keys_.scan(keys, k);
}

std::span<const float> ShardMemory::code(base::SlotIndex slot) const {
  require(Addressing::kNearestStored);
  LARIMAR_EXPECT(slot.value < size());
  return codes_.row(slot.value);
}

SlotReads ShardMemory::read_slots(linalg::ConstMatrixRef keys, std::size_t k) const {
  require(Addressing::kNearestCodebook);
  keys_.check(keys, "read keys");
  const std::vector<std::uint32_t> rows = linalg::nearest_rows(keys, solver_->codebook());
  SlotReads result;
  result.codes = linalg::Matrix::Zero(keys.rows(), code_size());
  const std::size_t width = static_cast<std::size_t>(key_size());
  for (linalg::Index q = 0; q < keys.rows(); ++q) {
    wire::SlotRead read{.count = 0, .row = rows[static_cast<std::size_t>(q)], .score = 0.0F};
    const float* row_key = solver_->codebook().row(static_cast<linalg::Index>(read.row)).data();
    linalg::dot_scores(
        {.rows = {row_key, width}, .queries = {keys.row(q).data(), width}, .width = width, .scores = {&read.score, 1}});
    std::span<const std::uint32_t> members;
    if (const std::optional<std::size_t> slot = solver_->slot_of(read.row)) {
      read.count = solver_->count(*slot);
      std::ranges::copy(solver_->memory(*slot), result.codes.row(q).data());
      members = rows_of_slot_[*slot];
    }
    const std::vector<wire::Candidate> best = keys_.scan_rows(keys.row(q), members, k);
    result.members.insert(result.members.end(), best.begin(), best.end());
    result.reads.push_back(read);
  }
  return result;
}

}  // namespace larimar::shard

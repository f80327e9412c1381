#include "shard/shard_memory.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/linalg/finite.h"
#include "common/linalg/fixed_dot.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;

std::size_t checked_code_size(Index code_size) {
  if (code_size < 1)
    throw base::ShapeError("codes need at least one component, but the code size is " + std::to_string(code_size));
  return static_cast<std::size_t>(code_size);
}

void require_equal(Index found, std::size_t wanted, const char* what) {
  if (std::cmp_equal(found, wanted)) return;
  throw base::ShapeError(std::string("a batch of segments has ") + std::to_string(found) + " " + what + " where " +
                         std::to_string(wanted) + " are needed");
}

void check_addresser(const ShardMemoryOptions& options) {
  const bool stored = options.rules.key_memory == memory::KeyMemory::kStored;
  if (stored && options.addresser)
    throw base::ShapeError("stored addressing takes no key memory; its write keys are the key memory");
  if (stored) return;
  if (!options.addresser) throw base::ShapeError("a codebook memory needs its key memory M0, with at least one row");
  if (options.addresser->key_size() != options.key_size) {
    throw base::ShapeError("the key memory's rows have " + std::to_string(options.addresser->key_size()) +
                           " components but keys have " + std::to_string(options.key_size));
  }
}

/// The code of each key's segment. Shapes codes [segments, C], owner [rows]; returns [rows, C].
Matrix codes_of_keys(linalg::ConstMatrixRef codes, std::span<const std::uint32_t> owner) {
  Matrix result(static_cast<Index>(owner.size()), codes.cols());
  for (std::size_t i = 0; i < owner.size(); ++i)
    result.row(static_cast<Index>(i)) = codes.row(static_cast<Index>(owner[i]));
  return result;
}

}  // namespace

ShardMemory::ShardMemory(ShardMemoryOptions options)
    : options_(std::move(options)),
      keys_(options_.key_size, {.store = options_.key_store, .folder = options_.key_folder}),
      codes_(checked_code_size(options_.code_size)) {
  check_addresser(options_);
  memory::check(options_.rules, static_cast<std::size_t>(key_size()), static_cast<std::size_t>(code_size()));
  if (is_stored()) return;
  if (options_.addresser->is_one_hot())
    one_hot_.emplace(options_.addresser, code_size());
  else
    weighted_.emplace(options_.addresser, code_size(), options_.rules);
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
  // First, since it alone can still refuse: a Gram matrix that does not fit into doubles.
  if (weighted_) weighted_->add(batch.keys, codes_of_keys(batch.codes, batch.key_owner));
  std::vector<KeyOwner> owners;
  owners.reserve(batch.key_owner.size());
  for (const std::uint32_t owner : batch.key_owner) {
    owners.push_back({.slot = base::SlotIndex{first_slot + owner}, .segment = batch.segments[owner].id});
  }
  segments_.append(batch.segments);
  keys_.append(batch.keys, owners, batch.keep);
  if (keeps_codes()) append_codes(batch);
  solved_ = false;
  if (!one_hot_) return;
  const std::vector<std::uint32_t> rows = one_hot_->add(batch.keys, batch.codes, batch.key_owner);
  rows_of_slot_.resize(one_hot_->slots());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows_of_slot_[*one_hot_->slot_of(rows[i])].push_back(first_row + static_cast<std::uint32_t>(i));
  }
}

void ShardMemory::append_codes(const AppendBatch& batch) {
  if (batch.keep == Keep::kCopy) {
    codes_.append(batch.codes);
    return;
  }
  LARIMAR_EXPECT(batch.codes.rows() < 2 || batch.codes.outerStride() == batch.codes.cols());
  codes_.append_borrowed({batch.codes.data(), static_cast<std::size_t>(batch.codes.size())});
}

void ShardMemory::reserve(std::size_t segments, std::size_t keys) {
  segments_.reserve(segments);
  keys_.reserve(keys);
}

void ShardMemory::forget(std::span<const base::SegmentId> ids) {
  const std::unordered_set<base::SegmentId> segments(ids.begin(), ids.end());
  std::unordered_set<base::SlotIndex> slots;
  std::string unknown;
  for (const base::SegmentId id : segments) {
    if (const auto slot = segments_.find(id)) {
      slots.insert(*slot);
    } else {
      unknown += (unknown.empty() ? "" : ", ") + std::to_string(id.value);
    }
  }
  if (!unknown.empty())
    throw base::Error(base::ExitCode::kDegraded, "no such segments: " + unknown + "; nothing was forgotten");
  if (!is_stored()) forget_from_slots(slots);
  keys_.erase(segments);
  for (const base::SegmentId id : segments) segments_.erase(id);
  solved_ = solved_ && is_stored();
}

void ShardMemory::forget_from_slots(const std::unordered_set<base::SlotIndex>& slots) {
  require(options_.keep_codes);
  const std::vector<std::uint32_t> rows = keys_.rows_of(slots);
  Matrix keys(static_cast<Index>(rows.size()), key_size()), codes(static_cast<Index>(rows.size()), code_size());
  std::vector<std::uint32_t> owner;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Index row = static_cast<Index>(i);
    std::ranges::copy(keys_.key(rows[i]), keys.row(row).data());
    std::ranges::copy(codes_.row(keys_.owner(rows[i]).slot.value), codes.row(row).data());
    owner.push_back(static_cast<std::uint32_t>(i));
  }
  if (one_hot_)
    one_hot_->remove(keys, codes, owner);
  else
    weighted_->remove(keys, codes);
}

void ShardMemory::solve() {
  // Stored: W has one slot per segment and each of its equations says "this row is this code", so M = Z already.
  if (one_hot_) one_hot_->solve();
  if (weighted_ && options_.rules.solve == memory::Solve::kGlobal)
    throw base::Error(base::ExitCode::kInternal, "a globally solved memory is adopted, not solved by its shard");
  if (weighted_) weighted_->solve();
  solved_ = true;
}

const linalg::GramStatistics& ShardMemory::statistics() const {
  require(weighted_.has_value());
  return weighted_->statistics();
}

void ShardMemory::adopt(const Matrix& memory, SlotRange mine) {
  require(weighted_.has_value());
  weighted_->adopt(memory, mine);
  solved_ = true;
}

void ShardMemory::require(bool possible) const {
  if (!possible) throw base::Error(base::ExitCode::kInternal, "this does not exist for the memory's addressing");
}

std::vector<wire::Candidate> ShardMemory::read_candidates(linalg::ConstMatrixRef keys, std::size_t k) const {
  if (!solved_) throw base::Error(base::ExitCode::kInternal, "a shard was read before its write was solved");
  return keys_.scan(keys, k);
}

std::span<const float> ShardMemory::code(base::SlotIndex slot) const {
  require(keeps_codes());
  LARIMAR_EXPECT(slot.value < size());
  return codes_.row(slot.value);
}

SlotReads ShardMemory::read_slots(linalg::ConstMatrixRef keys, std::size_t rows, std::size_t k) const {
  require(!is_stored());
  if (!solved_) throw base::Error(base::ExitCode::kInternal, "a shard was read before its write was solved");
  keys_.check(keys, "read keys");
  SlotReads result;
  if (one_hot_) {
    result = read_one_hot(keys, rows);
  } else {
    result.codes = weighted_->read(keys);
    result.reads.assign(static_cast<std::size_t>(keys.rows()), {.count = live(), .row = 0, .score = 0.0F});
  }
  if (!one_hot_ || rows > 1) {
    result.members = keys_.scan(keys, k);
    return result;
  }
  for (Index q = 0; q < keys.rows(); ++q) {  // only those behind the mean
    const auto slot = one_hot_->slot_of(result.reads[static_cast<std::size_t>(q)].row);
    const std::span<const std::uint32_t> members =
        slot ? std::span<const std::uint32_t>(rows_of_slot_[*slot]) : std::span<const std::uint32_t>();
    const std::vector<wire::Candidate> best = keys_.scan_rows(keys.row(q), members, k);
    result.members.insert(result.members.end(), best.begin(), best.end());
  }
  return result;
}

SlotReads ShardMemory::read_one_hot(linalg::ConstMatrixRef keys, std::size_t rows) const {
  SlotReads result;
  memory::Addresser::TopRows top;
  if (options_.rules.addressing == memory::Addressing::kTopK) {
    top = options_.addresser->top_rows(keys, rows);
  } else {
    top.rows = options_.addresser->nearest(keys);
  }
  result.codes = Matrix::Zero(static_cast<Index>(top.rows.size()), code_size());
  const std::size_t width = static_cast<std::size_t>(key_size());
  for (std::size_t i = 0; i < top.rows.size(); ++i) {
    wire::SlotRead read{.count = 0, .row = top.rows[i], .score = 0.0F};
    const float* row_key = options_.addresser->key_memory().row(static_cast<Index>(read.row)).data();
    linalg::dot_scores({.rows = {row_key, width},
                        .queries = {keys.row(static_cast<Index>(i / rows)).data(), width},
                        .width = width,
                        .scores = {&read.score, 1}});
    if (const std::optional<std::size_t> slot = one_hot_->slot_of(read.row); slot && one_hot_->count(*slot) > 0) {
      read.count = one_hot_->count(*slot);
      std::ranges::copy(one_hot_->memory(*slot), result.codes.row(static_cast<Index>(i)).data());
    }
    result.reads.push_back(read);
  }
  return result;
}

}  // namespace larimar::shard

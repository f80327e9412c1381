#pragma once
#include <optional>
#include <vector>

#include "common/store/directory.h"
#include "common/store/log_format.h"
#include "common/store/manifest.h"
#include "common/store/record.h"

namespace larimar::store {

enum class OnDamage {
  kThrow,    // FormatError at the first damage
  kSalvage,  // damages are listed, everything else is read
};

/// Reads the records of one log in order, up to a state that the manifest or a LogWriter names. Owns the mapping;
/// records that were read point into it. Movable; one thread at a time. Every byte up to the state is checked on the
/// way: checksums, the chain from record to record, counts, order of blocks. What lies beyond is not looked at.
/// Calls   local. Cost: one pass of XXH3 over the log.
class LogReader {
 public:
  /// Throws  FormatError naming the file: absent, shorter than the state says, of another memory or shard, of a newer
  ///         version. With kSalvage only the last of these; the others are listed.
  LogReader(const Directory& folder, const LogIdentity& identity, const LogState& until,
            OnDamage on_damage = OnDamage::kThrow);

  /// The next record; nullopt at the end. Throws FormatError naming file, byte, record, document and its bytes if it is
  /// damaged; after that throw the reader is at its end.
  [[nodiscard]] std::optional<ReadRecord> next();

  /// Records stay valid, but their pages no longer count as this process's memory until they are looked at again.
  void let_go() const { mapping_.let_go(); }

  [[nodiscard]] std::uint32_t shard() const { return identity_.shard; }
  /// What was passed over so far.
  [[nodiscard]] const std::vector<Damage>& damages() const { return damages_; }
  /// Bytes of the file beyond the state: of a job that did not come to its end, or torn.
  [[nodiscard]] std::uint64_t tail_bytes() const { return tail_bytes_; }

 private:
  void open_log();
  void lose_all(const std::string& why);
  void report(Damage damage);
  [[nodiscard]] std::optional<ReadRecord> read_at(const RecordHeader& header);
  /// Whether reading may go on at a whole header behind a damage: nothing that is whole contradicts its place in the
  /// chain.
  [[nodiscard]] bool can_go_on(std::uint64_t offset, const RecordHeader& header) const;
  void pass_over_damage();
  void finish();

  std::filesystem::path path_;
  LogIdentity identity_;
  LogState until_;
  OnDamage on_damage_;
  Mapping mapping_;
  std::span<const std::byte> log_;  // up to the state
  LogState at_;                     // what was read so far
  std::optional<std::uint64_t> last_block_;
  bool chain_known_ = true;  // false right after a damage
  bool done_ = false;
  std::uint64_t tail_bytes_ = 0;
  std::vector<Damage> damages_;
};

/// Block of the last segments record of the committed part, nullopt if there is none. Follows the chain of headers from
/// the log's own (`start`) to the committed state; payloads are not looked at.
/// Throws  FormatError naming `path` and the byte where the chain breaks, or if it ends otherwise than the state says.
[[nodiscard]] std::optional<std::uint64_t> last_committed_block(std::span<const std::byte> log,
                                                                const LogIdentity& identity, const LogState& start,
                                                                const LogState& committed,
                                                                const std::filesystem::path& path);

/// How much of a log beyond a committed state is whole: the records that follow it without a gap.
struct ValidTail {
  LogState state;
  std::optional<std::uint64_t> last_block;
};
/// `last_block`: of the committed records.
[[nodiscard]] ValidTail find_valid_tail(std::span<const std::byte> log, const LogIdentity& identity,
                                        const LogState& committed, std::optional<std::uint64_t> last_block);

}  // namespace larimar::store

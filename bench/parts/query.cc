#include "bench/parts/query.h"

#include <algorithm>
#include <array>
#include <string>

#include "bench/parts/limits.h"
#include "bench/parts/scaling_memory.h"
#include "bench/parts/scan.h"
#include "common/base/file.h"
#include "common/comm/agree.h"
#include "launch/codes_ingest.h"
#include "launch/machine_rates.h"
#include "shard/key_memory.h"

namespace larimar::bench {
namespace {

using shard::KeyStore;

constexpr std::size_t kTokensPerSegment = 32;
constexpr std::size_t kTokens[] = {100'000, 1'000'000, 10'000'000};
constexpr std::size_t kFewRows = 4;  // a scan of them takes less than a microsecond

/// Bandwidth of memory where all ranks that have a shard read at once, from a piece that no cache holds.
class Limit {
 public:
  Limit(comm::Transport& transport, bool quick)
      : transport_(transport), size_(quick ? std::size_t{4} << 20 : std::size_t{256} << 20), memory_(size_) {
    std::fill_n(memory_.data(), size_, std::byte{1});
  }

  /// Seconds for so many bytes, by what the slowest rank reads now. Collective.
  [[nodiscard]] double seconds(std::size_t bytes) {
    const std::array pieces{std::span<const std::byte>(memory_.data(), size_)};
    const bool has_shard = launch::plan_storage(transport_.size()).shard_of(transport_.rank()) >= 0;
    const std::vector<double> all = transport_.all_gather_one(has_shard ? 1e-3 * read_all(pieces).wall : 0.0);
    return *std::ranges::max_element(all) * static_cast<double>(bytes) / static_cast<double>(size_);
  }

 private:
  comm::Transport& transport_;
  std::size_t size_;
  shard::KeyMemory memory_;
};

/// Wall seconds of reads of one key on this rank.
std::vector<double> walls(const std::vector<Step>& steps) {
  std::vector<double> seconds;
  for (const Step& step : steps) seconds.push_back(step.wall_seconds);
  return seconds;
}

struct Setting {
  comm::Transport& transport;
  const BenchOptions& options;
  const SharedFolder& folder;
  std::size_t width;
};

void measure_tokens(const Setting& setting, std::size_t rows, std::vector<Measured>& lines) {
  const auto place = setting.folder.path() / std::to_string(rows);
  comm::together(setting.transport, [&] {
    if (setting.transport.rank() == 0) base::make_folder(place);
  });
  ScalingMemory memory(setting.transport, nullptr, place, rows, setting.width);
  static_cast<void>(memory.ingest());
  const std::size_t shards = launch::plan_storage(setting.transport.size()).shards();
  Limit limit(setting.transport, setting.options.quick);
  for (const KeyStore store : kStores) {
    const std::size_t bytes =
        coordinator::largest_share(memory.shape(store), shards) * setting.width * launch::bytes_of(store);
    std::vector<double> limits;
    const auto rounds = static_cast<std::size_t>(4 * setting.options.rounds);
    const auto reads = memory.read(store, rounds, 0, [&] { limits.push_back(limit.seconds(bytes)); });
    const std::vector<double> taken = walls(reads.single);
    std::vector<double> shares;
    for (std::size_t i = 0; i < taken.size(); ++i) shares.push_back(limits[i] / taken[i]);
    lines.push_back({"query",
                     std::to_string(rows * kTokensPerSegment) + " tokens, " + std::to_string(rows) + " keys " +
                         shard::name_of(store) + ", read of 1 key",
                     1e3 * median(taken), "ms", "bytes / bandwidth", median(shares)});
  }
}

void measure_coordination(const Setting& setting, std::vector<Measured>& lines) {
  ScalingMemory memory(setting.transport, nullptr, setting.folder.path(), kFewRows, setting.width);
  static_cast<void>(memory.ingest());
  const auto reads = memory.read(KeyStore::kFloat32, setting.options.quick ? 50 : 3000, 0);
  lines.push_back({"query", "coordination: read of 1 key among " + std::to_string(kFewRows),
                   1e6 * median(walls(reads.single)), "us", "", 0});
}

}  // namespace

std::vector<Measured> query_part(comm::Transport& transport, const BenchOptions& options) {
  const SharedFolder folder(transport, options.folder);
  const Setting setting{transport, options, folder, options.quick ? 96 : options.width};
  std::vector<Measured> lines;
  measure_coordination(setting, lines);
  if (options.quick || options.rows > 0) {
    measure_tokens(setting, options.quick ? 2000 : options.rows, lines);
  } else {
    for (const std::size_t tokens : kTokens) measure_tokens(setting, tokens / kTokensPerSegment, lines);
  }
  transport.barrier();  // rank 0 removes the folder
  return lines;
}

}  // namespace larimar::bench

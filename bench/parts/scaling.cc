#include "bench/parts/scaling.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>

#include "bench/parts/scaling_memory.h"
#include "bench/parts/scan.h"
#include "launch/codes_ingest.h"
#include "launch/machine_rates.h"

namespace larimar::bench {
namespace {

using coordinator::MachineRates;
using coordinator::MemoryShape;
using coordinator::RankCost;
using shard::KeyStore;

constexpr std::size_t kRows = 65'536, kQuickRows = 2048;  // strong
constexpr std::size_t kWeakShare = 4;                     // of them for each shard: weak
constexpr double kMebi = 1 << 20;

/// Lines about one memory on all ranks.
class Lines {
 public:
  Lines(comm::Transport& transport, std::string title, std::vector<Measured>& lines)
      : transport_(transport), title_(std::move(title)), lines_(lines) {}

  /// Of each rank; `limit` is what should have been, 0 where nothing was said.
  void add(const std::string& name, double mine, const std::string& unit, const std::string& limit, double expected) {
    std::vector<double> ranks = transport_.all_gather_one(mine);
    const double most = *std::ranges::max_element(ranks);
    lines_.push_back({"scaling", title_ + name, most, unit, expected > 0 ? limit : "",
                      expected > 0 ? most / expected : 0, std::move(ranks)});
  }

  /// Messages and bytes of a step, and how many ranks sent others than the cost model says.
  void add_messages(const std::string& name, const Step& step) {
    const auto messages = static_cast<double>(step.sent.messages), bytes = static_cast<double>(step.sent.bytes);
    add(name + ", messages sent", messages, "", "the cost model", most(step, &RankCost::messages_sent));
    const std::vector<double> all_messages = lines_.back().ranks;
    add(name + ", bytes sent", bytes, "B", "the cost model", most(step, &RankCost::bytes_sent));
    const std::vector<double> all_bytes = lines_.back().ranks;
    for (std::size_t rank = 0; rank < step.predicted.size(); ++rank) {
      const bool same = all_messages[rank] == static_cast<double>(step.predicted[rank].messages_sent) &&
                        all_bytes[rank] == static_cast<double>(step.predicted[rank].bytes_sent);
      others_ += same ? 0 : 1;
    }
  }
  [[nodiscard]] int others() const { return others_; }

 private:
  static double most(const Step& step, std::uint64_t RankCost::*field) {
    std::uint64_t found = 0;
    for (const RankCost& rank : step.predicted) found = std::max(found, rank.*field);
    return static_cast<double>(found);
  }

  comm::Transport& transport_;
  std::string title_;
  std::vector<Measured>& lines_;
  int others_ = 0;
};

double median_cpu(const std::vector<Step>& steps) {
  std::vector<double> seconds;
  for (const Step& step : steps) seconds.push_back(step.cpu_seconds);
  return median(std::move(seconds));
}

/// What scaling needs to know besides the memory.
struct Setting {
  comm::Transport& transport;
  const BenchOptions& options;
  const std::filesystem::path& folder;
};

MachineRates rates_for(const BenchOptions& options, KeyStore store) {
  const MachineRates usual = launch::usual_rates(launch::KeyMaker::kMinilm, store);
  return options.rates.empty() ? usual : launch::read_rates(options.rates, store, usual);
}

void measure_reads(const Setting& setting, ScalingMemory& memory, KeyStore store, Lines& lines) {
  const std::size_t shards = launch::plan_storage(setting.transport.size()).shards();
  const MemoryShape shape = memory.shape(store);
  const MachineRates rates = rates_for(setting.options, store);
  const auto rounds = static_cast<std::size_t>(setting.options.rounds);
  const ScalingMemory::Reads reads = memory.read(store, setting.options.quick ? 4 : 4 * rounds, rounds);
  const std::string name = shard::name_of(store);
  lines.add(name + ": memory of segments", static_cast<double>(reads.open.memory_bytes) / kMebi, "MiB", "the plan",
            static_cast<double>(bytes_in_memory(shape, largest_share(shape, shards))) / kMebi);
  lines.add(name + ": read of 1 key, processor", 1e3 * median_cpu(reads.single), "ms", "the plan",
            1e3 * search_seconds(shape, rates, shards, 1));
  lines.add(name + ": read of 64 keys, processor", 1e3 * median_cpu(reads.batch), "ms", "the plan",
            1e3 * search_seconds(shape, rates, shards, coordinator::kPlannedBatch));
  if (store != KeyStore::kFloat32) return;  // the messages are the same
  for (const Step& step : {reads.single.front(), reads.single.back()}) lines.add_messages("read of 1 key", step);
  lines.add_messages("read of 64 keys", reads.batch.front());
}

std::vector<Measured> measure_memory(const Setting& setting, const std::string& kind, std::size_t rows) {
  const std::string title = kind + ", " + std::to_string(rows) + " segments: ";
  std::vector<Measured> found;
  Lines lines(setting.transport, title, found);
  comm::CountingTransport counting(setting.transport);
  const SharedFolder folder(setting.transport, setting.folder);
  ScalingMemory memory(setting.transport, &counting, folder.path(), rows,
                       setting.options.quick ? 96 : setting.options.width);
  const std::size_t shards = launch::plan_storage(setting.transport.size()).shards();
  const MemoryShape shape = memory.shape(KeyStore::kFloat32);
  const MachineRates rates = rates_for(setting.options, KeyStore::kFloat32);
  const Step ingest = memory.ingest();
  lines.add("ingest, processor", 1e3 * ingest.cpu_seconds, "ms", "the plan", 1e3 * store_seconds(shape, rates, shards));
  if (kind == "strong") {
    const double seconds = 1e-3 * found.back().value, busiest = store_seconds(shape, rates, shards) * rates.storing;
    found.push_back({"scaling", launch::kStoringRate, 1e-6 * busiest / seconds, "MB/s", "", 0});
  }
  lines.add_messages("ingest", ingest);
  for (const KeyStore store : kStores) measure_reads(setting, memory, store, lines);
  found.push_back({"scaling", title + "counts of ranks that are not the cost model's",
                   static_cast<double>(lines.others()), "", "", 0});
  double disk = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "memory"))
    disk += entry.path().filename().string().starts_with("log.") ? static_cast<double>(entry.file_size()) : 0;
  found.push_back({"scaling", title + "logs on disk", disk / kMebi, "MiB", "the plan",
                   disk / static_cast<double>(bytes_on_disk(shape))});
  setting.transport.barrier();  // rank 0 removes the folder
  return found;
}

}  // namespace

std::vector<Measured> scaling_part(comm::Transport& transport, const BenchOptions& options) {
  const std::size_t rows = options.quick ? kQuickRows : options.rows > 0 ? options.rows : kRows;
  const std::size_t shards = launch::plan_storage(transport.size()).shards();
  const Setting setting{transport, options, options.folder};
  std::vector<Measured> lines = measure_memory(setting, "strong", rows);
  const std::vector<Measured> weak =
      measure_memory(setting, "weak", std::max<std::size_t>(1, rows / kWeakShare) * shards);
  lines.insert(lines.end(), weak.begin(), weak.end());
  return lines;
}

}  // namespace larimar::bench

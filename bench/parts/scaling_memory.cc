#include "bench/parts/scaling_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <optional>

#include "bench/parts/measured.h"
#include "bench/parts/scan.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "common/comm/agree.h"
#include "common/model/safetensors.h"
#include "launch/codes_ingest.h"
#include "launch/exchange.h"
#include "launch/machine_rates.h"
#include "launch/open_memory.h"

namespace larimar::bench {
namespace {

using linalg::Index;
using linalg::Matrix;

constexpr std::size_t kCodeSize = 768;

model::TensorView view(const Matrix& matrix) {
  return {"F32",
          {static_cast<std::uint64_t>(matrix.rows()), static_cast<std::uint64_t>(matrix.cols())},
          std::as_bytes(std::span(matrix.data(), static_cast<std::size_t>(matrix.size())))};
}

/// Resident bytes that belong to this process alone; 0 where Linux does not say.
std::size_t own_bytes() {
  ::malloc_trim(0);  // what a step before has freed is not this step's
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("RssAnon:")) return std::strtoull(line.c_str() + 8, nullptr, 10) * 1024;
  return 0;
}

}  // namespace

SharedFolder::SharedFolder(comm::Transport& transport, const std::filesystem::path& parent)
    : mine_(transport.rank() == 0) {
  std::string name;
  comm::together(transport, [&] {
    if (!mine_) return;
    const auto folder = (parent.empty() ? std::filesystem::temp_directory_path() : parent) /
                        ("larimar-scaling-" + std::to_string(::getpid()));
    base::make_folder(folder);
    name = folder.string();
  });
  transport.broadcast_string(name, 0);
  path_ = name;
  comm::together(transport, [&] {
    if (!std::filesystem::is_directory(path_))
      throw base::MissingInputError(path_.string() + " is not seen by every rank; name a shared folder with --folder");
  });
}

SharedFolder::~SharedFolder() {
  std::error_code ignored;
  if (mine_) std::filesystem::remove_all(path_, ignored);
}

/// Work, with its messages and time; what it waits for is in the time of the messages.
template <class Work>
Step ScalingMemory::measure(const Work& work) {
  // Nobody's lateness counts as another's wait; and who has slept in the first barrier is awake after the second.
  transport_.barrier();
  transport_.barrier();
  if (counting_ == nullptr) {
    const base::Stopwatch watch;
    work();
    return {.wall_seconds = watch.seconds()};
  }
  counting_->reset();
  const Milliseconds time = time_of(work);
  return {.sent = counting_->sent(),
          .cpu_seconds = 1e-3 * time.cpu - counting_->sent().cpu_seconds,
          .wall_seconds = 1e-3 * time.wall};
}

ScalingMemory::ScalingMemory(comm::Transport& transport, comm::CountingTransport* counting,
                             const std::filesystem::path& folder, std::size_t rows, std::size_t width)
    : counting_(counting),
      transport_(counting != nullptr ? *counting : transport),
      codes_(folder / "codes.safetensors"),
      memory_(folder / "memory"),
      rows_(rows),
      width_(width) {
  comm::together(transport_, [&] {
    if (transport_.rank() != 0) return;
    keys_ = random_directions(rows, width, 1);
    queries_ = mixed_queries(keys_, kBatch, 2);
    const Matrix codes = random_directions(rows, kCodeSize, 3);
    model::write_safetensors(codes_, {{"z", view(codes)}, {"keys", view(keys_)}}, {});
  });
}

coordinator::MemoryShape ScalingMemory::shape(shard::KeyStore store) const {
  const std::size_t blocks = (rows_ + launch::kRowsPerBlock - 1) / launch::kRowsPerBlock;
  return {.tokens = rows_,
          .segments = rows_,
          .blocks = blocks,
          .code_size = kCodeSize,
          .key_size = width_,
          .key_bytes = launch::bytes_of(store),
          .reads = 1};
}

Step ScalingMemory::ingest() {
  launch::IngestCommand command;
  command.memory = memory_;
  command.codes = codes_;
  launch::Session session(transport_.size());
  Step step = measure([&] { static_cast<void>(launch::ingest_codes(transport_, session, command)); });
  const auto folder = launch::MemoryFolder::open_reading(transport_, memory_);
  const wire::RolePlan roles = launch::plan_storage(transport_.size());
  if (transport_.rank() == 0) {
    const auto sizes = launch::sizes_of_ingest(memory_, folder.manifest(), roles.shards());
    step.predicted = coordinator::predict_codes_ingest(sizes, roles, {.bytes_per_second = 1}).ranks;
    std::filesystem::remove(codes_);
  }
  return step;
}

void ScalingMemory::check_best(const Matrix& queries, const std::vector<std::uint64_t>& found) const {
  for (Index q = 0; q < queries.rows(); ++q) {
    const linalg::RowVector scores = queries.row(q) * keys_.transpose();
    const auto id = static_cast<Index>(found[static_cast<std::size_t>(q)]);
    // Sums in another order may swap the best two only where they are as good as equal.
    if (id >= scores.size() || scores(id) < scores.maxCoeff() - 1e-5F)
      throw base::NumericalError("the read of key " + std::to_string(q) + " on " + std::to_string(transport_.size()) +
                                 " ranks did not find the nearest stored key");
  }
}

ScalingMemory::Reads ScalingMemory::read(shard::KeyStore store, std::size_t singles, std::size_t batches,
                                         const std::function<void()>& between) {
  const wire::RolePlan roles_plan = launch::plan_storage(transport_.size());
  launch::JobSetup setup;
  setup.key_store = store;
  Reads reads;
  const std::size_t before = own_bytes();
  std::optional<launch::OpenMemory> memory;
  reads.open = measure([&] { memory.emplace(transport_, roles_plan, memory_, setup); });
  const std::size_t after = own_bytes();
  reads.open.memory_bytes = after > before ? after - before : 0;
  const launch::Roles roles{memory->coordinator ? &*memory->coordinator : nullptr,
                            memory->shard ? &*memory->shard : nullptr, nullptr};
  std::uint64_t number = 0;
  const auto read_once = [&](Index first, std::size_t count) {
    wire::ReadPlan plan{.queries = count, .key_size = width_, .code_size = kCodeSize};
    coordinator::set_form(plan, memory->rules);
    plan.step = ++number;
    const bool root = transport_.rank() == 0;
    const Matrix mine = root ? Matrix(queries_.middleRows(first, static_cast<Index>(count))) : Matrix();
    coordinator::BatchRead found;
    Step step = measure([&] { found = launch::exchange_read(transport_, roles_plan, roles, plan, mine); });
    if (!root) return step;
    std::vector<std::size_t> chosen(roles_plan.shards());
    std::vector<std::uint64_t> ids;
    for (const wire::CodeRecord& record : found.records) {
      if (record.status == wire::ReadStatus::kOk) ++chosen[record.shard.value];
      ids.push_back(record.segment.value);
    }
    check_best(mine, ids);
    step.predicted = coordinator::predict_read(plan, roles_plan, chosen, {.bytes_per_second = 1}).ranks;
    return step;
  };
  for (std::size_t i = 0; i < singles; ++i) {
    if (between) between();
    reads.single.push_back(read_once(static_cast<Index>(i % kBatch), 1));
  }
  for (std::size_t i = 0; i < batches; ++i) reads.batch.push_back(read_once(0, kBatch));
  return reads;
}

}  // namespace larimar::bench

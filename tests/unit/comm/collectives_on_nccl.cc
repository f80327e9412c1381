#include "tests/support/in_process.h"
#include "tests/unit/comm/collectives.h"
#include "tests/unit/comm/nccl_ranks.h"

namespace larimar::test {
namespace {

class OnNccl final : public Collectives {
 public:
  explicit OnNccl(comm::Transport& transport)
      : transport_(transport), group_(transport, comm::NcclLibrary::open(LARIMAR_FAKE_NCCL_FILE), stream_on(stream_)) {}
  [[nodiscard]] int rank() const override { return transport_.rank(); }
  [[nodiscard]] int size() const override { return transport_.size(); }
  void broadcast(std::span<float> buffer, int root) override {
    group_.broadcast(buffer.data(), buffer.size(), comm::NcclType::kFloat32, root);
    group_.wait();
  }
  void all_gather(std::span<const float> mine, std::span<float> all) override {
    group_.all_gather(mine.data(), all.data(), mine.size(), comm::NcclType::kFloat32);
    group_.wait();
  }
  void all_reduce(std::span<float> buffer) override {
    group_.all_reduce(buffer.data(), buffer.size(), comm::NcclType::kFloat32);
    group_.wait();
  }

 private:
  comm::Transport& transport_;
  support::FakeStream stream_;
  comm::NcclGroup group_;
};

}  // namespace

void on_every_group(const std::function<void(Collectives&)>& program) {
  for (const int ranks : {1, 2, 3, 4, 8}) {
    support::run_in_process(ranks, [&](comm::Transport& transport) {
      OnNccl collectives(transport);
      program(collectives);
    });
  }
}

}  // namespace larimar::test

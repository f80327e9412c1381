#include <vector>

#include "common/comm/transport.h"
#include "tests/mpi/ranks.h"
#include "tests/unit/comm/collectives.h"

namespace larimar::test {
namespace {

class OnTransport final : public Collectives {
 public:
  explicit OnTransport(comm::Transport& transport) : transport_(transport) {}
  [[nodiscard]] int rank() const override { return transport_.rank(); }
  [[nodiscard]] int size() const override { return transport_.size(); }
  void broadcast(std::span<float> buffer, int root) override { transport_.broadcast(buffer, root); }
  void all_gather(std::span<const float> mine, std::span<float> all) override {
    transport_.all_gather<float>(mine, all);
  }
  void all_reduce(std::span<float> buffer) override {
    std::vector<float> all(buffer.size() * static_cast<std::size_t>(size()));
    all_gather(buffer, all);
    for (std::size_t i = 0; i < buffer.size(); ++i) {
      buffer[i] = 0;
      for (std::size_t at = i; at < all.size(); at += buffer.size()) buffer[i] += all[at];
    }
  }

 private:
  comm::Transport& transport_;
};

}  // namespace

void on_every_group(const std::function<void(Collectives&)>& program) {
  on_every_rank([&](comm::Transport& transport) {
    OnTransport collectives(transport);
    program(collectives);
  });
}

}  // namespace larimar::test

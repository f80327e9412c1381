#pragma once
#include <functional>
#include <span>

// What decoder and learner ranks ask of each other. One suite, linked with collectives_on_transport.cc (threads, MPI) and with
// collectives_on_nccl.cc, which define on_every_group().
namespace larimar::test {

class Collectives {
 public:
  virtual ~Collectives() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  virtual void broadcast(std::span<float> buffer, int root) = 0;
  virtual void all_gather(std::span<const float> mine, std::span<float> all) = 0;
  virtual void all_reduce(std::span<float> buffer) = 0;
};

/// Runs `program` on every rank of groups of several sizes, or of those that mpirun started.
void on_every_group(const std::function<void(Collectives&)>& program);

}  // namespace larimar::test

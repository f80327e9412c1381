#pragma once
#include <mpi.h>

#include <deque>

#include "common/comm/transport.h"

namespace larimar::comm {

inline constexpr std::size_t kMpiPieceBytes = std::size_t{1} << 30;  // below INT_MAX, which is what MPI 3 can count

/// Transport over a communicator of its own. Lives within an Environment, used by the thread that made the Environment.
/// MPI calls are non-blocking, and every completion is polled by Transport::wait; with an infinite patience there is nothing to
/// poll for, and the rank blocks in MPI.
class MpiTransport final : public Transport {
 public:
  /// Duplicates `parent`, whose error handler must be MPI_ERRORS_RETURN. Buffers longer than piece_bytes travel in pieces.
  /// Calls: collective on parent. Throws CommError.
  explicit MpiTransport(MPI_Comm parent, std::size_t piece_bytes = kMpiPieceBytes);
  /// Waits for posted messages, unless an error is under way: then what is unfinished is left for abort().
  ~MpiTransport() override;

  [[noreturn]] void abort(base::ExitCode code) override;

 private:
  struct Posted {
    MPI_Request request;
    std::vector<std::byte> bytes;
  };

  void send_bytes(std::span<const std::byte> bytes, int to, Tag tag) override;
  void receive_all_bytes(std::span<const Incoming> incoming, Tag tag) override;
  void post_bytes(std::vector<std::byte> bytes, int to, Tag tag) override;
  std::optional<int> try_receive_any_bytes(std::span<std::byte> bytes, Tag tag) override;
  void flush_posted() override;
  void barrier_all() override;

  void post_piece(std::vector<std::byte> bytes, int to, int tag);
  void check(int result, const char* call);
  [[nodiscard]] bool is_done(MPI_Request& request, MPI_Status& status, const char* call);
  MPI_Status complete(MPI_Request& request, const Awaited& awaited);
  void complete_receive(MPI_Request& request, std::size_t expected, const Awaited& awaited);
  static void withdraw(MPI_Request& request);
  void drop_finished_posts();

  MPI_Comm comm_ = MPI_COMM_NULL;
  std::size_t piece_bytes_;
  int exceptions_at_birth_;
  std::deque<Posted> posted_;
};

}  // namespace larimar::comm

#pragma once
#include <mpi.h>

#include <deque>

#include "common/comm/peers.h"
#include "common/comm/transport.h"

namespace larimar::comm {

inline constexpr std::size_t kMpiPieceBytes = std::size_t{1} << 30;  // below INT_MAX, which is what MPI 3 can count

/// A communicator that a transport takes over, and which ranks are in it.
struct MpiGroup {
  MPI_Comm comm = MPI_COMM_NULL;  // with MPI_ERRORS_RETURN
  std::vector<int> members{};     // [size] numbers at the job's start
  std::vector<Peer> peers{};      // [size]; empty: not known
};

/// Transport over a communicator of its own. Lives within an Environment, used by the thread that made the Environment.
/// MPI calls are non-blocking, and every completion is polled by Transport::wait.
class MpiTransport final : public Transport {
 public:
  /// Duplicates `parent`, whose error handler must be MPI_ERRORS_RETURN. Buffers longer than piece_bytes travel in pieces.
  /// Calls: collective on parent. Throws CommError.
  explicit MpiTransport(MPI_Comm parent, std::size_t piece_bytes = kMpiPieceBytes);
  /// Takes the communicator over. Calls: local.
  explicit MpiTransport(MpiGroup group);
  /// Waits for posted messages, unless an error is under way: then what is unfinished is left for abort().
  ~MpiTransport() override;

  /// With ULFM an MPI_Abort leaves ranks behind: there it ends the ranks of this host.
  [[noreturn]] void abort(base::ExitCode code) override;
  void give_up() noexcept override;
  [[nodiscard]] bool others_gave_up() override;

  /// Processes by rank, for messages about silence. Shapes: [size()].
  void set_peers(std::vector<Peer> peers) { peers_ = std::move(peers); }
  [[nodiscard]] const std::vector<Peer>& peers() const { return peers_; }

 private:
  struct Posted {
    MPI_Request request;
    std::vector<std::byte> bytes;
  };

  void broadcast_bytes(std::span<std::byte> buffer, int root) override;
  void all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void gather_bytes(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts, std::span<std::byte> all,
                    int root) override;
  void send_bytes(std::span<const std::byte> bytes, int to, Tag tag) override;
  void receive_bytes(std::span<std::byte> bytes, int from, Tag tag) override;
  void post_bytes(std::vector<std::byte> bytes, int to, Tag tag) override;
  std::optional<int> try_receive_any_bytes(std::span<std::byte> bytes, Tag tag) override;
  void flush_posted() override;
  void barrier_all() override;
  void look_at_peers() override;
  [[nodiscard]] std::string describe_silence() const override;
  [[nodiscard]] bool knows_of_stopped_peer() const override;
  void phase_changed() override;

  void gather_in_pieces(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts,
                        std::span<std::byte> all, int root);
  void post_piece(std::vector<std::byte> bytes, int to, int tag);
  void check(int result, const char* call);
  [[nodiscard]] bool is_done(MPI_Request& request, MPI_Status& status, const char* call);
  MPI_Status complete(MPI_Request& request, const Awaited& awaited);
  void complete_receive(MPI_Request& request, std::size_t expected, const Awaited& awaited);
  void drop_finished_posts();

  MPI_Comm comm_ = MPI_COMM_NULL;
  std::size_t piece_bytes_;
  int exceptions_at_birth_;
  std::deque<Posted> posted_;
  std::vector<Peer> peers_;
  bool can_lose_ranks_;
  bool revoked_ = false;
};

}  // namespace larimar::comm

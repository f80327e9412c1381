#include "common/comm/mpi_transport.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <utility>

#include "common/base/last_words.h"
#include "common/comm/host_name.h"
#include "common/comm/simulated.h"
#include "common/comm/ulfm.h"

namespace larimar::comm {
namespace {

constexpr int kPieceTag = kTagLimit;  // long gathers; users' tags end before it

int rank_in(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

int size_of(MPI_Comm comm) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  return size;
}

// Calls use(piece) on consecutive pieces; an empty span is one empty piece, so that empty messages exist.
template <class Byte, class Use>
void for_pieces(std::span<Byte> bytes, std::size_t piece_bytes, Use&& use) {
  do {
    const auto piece = bytes.first(std::min(bytes.size(), piece_bytes));
    use(piece);
    bytes = bytes.subspan(piece.size());
  } while (!bytes.empty());
}

int count_of(std::span<const std::byte> piece) { return static_cast<int>(piece.size()); }

}  // namespace

MpiTransport::MpiTransport(MPI_Comm parent, std::size_t piece_bytes)
    : Transport(rank_in(parent), size_of(parent), host_name()),
      piece_bytes_(std::clamp<std::size_t>(piece_bytes, 1, INT_MAX)),
      exceptions_at_birth_(std::uncaught_exceptions()),
      can_lose_ranks_(ulfm::is_on()) {
  check(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
}

MpiTransport::MpiTransport(MpiGroup group)
    : Transport(rank_in(group.comm), size_of(group.comm), host_name()),
      comm_(group.comm),
      piece_bytes_(kMpiPieceBytes),
      exceptions_at_birth_(std::uncaught_exceptions()),
      peers_(std::move(group.peers)),
      can_lose_ranks_(ulfm::is_on()) {
  set_members(std::move(group.members));
}

MpiTransport::~MpiTransport() {
  if (!is_broken() && std::uncaught_exceptions() == exceptions_at_birth_) {
    try {
      flush_posted();
      if (!can_lose_ranks_) MPI_Comm_free(&comm_);  // with a dead rank in it nobody knows how long that takes
    } catch (const base::Error& error) {
      std::fprintf(stderr, "larimar: closing the transport: %s\n", error.what());
    }
  }
  // MPI may still read these buffers; leaking them is the only safe thing before the job is ended.
  if (!posted_.empty()) static_cast<void>(new std::deque<Posted>(std::move(posted_)));
}

void MpiTransport::abort(base::ExitCode code) {
  std::fflush(nullptr);
  if (can_lose_ranks_) {
    kill_local(peers_, rank(), host());
    std::_Exit(static_cast<int>(code));
  }
  MPI_Abort(comm_, static_cast<int>(code));
  std::_Exit(static_cast<int>(code));
}

void MpiTransport::give_up() noexcept {
  if (!can_lose_ranks_ || std::exchange(revoked_, true)) return;
  ulfm::revoke(comm_);
}

bool MpiTransport::others_gave_up() {
  if (revoked_) return true;
  if (!can_lose_ranks_)
    return std::ranges::any_of(peers_, [&](const Peer& peer) { return state_of(peer, host()) == PeerState::kGone; });
  int found = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status{};
  // For a tag that nobody sends: it only lets MPI hear of what has come.
  return ulfm::is_loss(MPI_Improbe(MPI_ANY_SOURCE, kPieceTag + 1, comm_, &found, &message, &status));
}

// A rank that waits for a living one, which waits for the dead one, sees no error of its own; so everybody looks. The call on
// its way then ends by itself, which leaves no buffer in MPI's hands.
void MpiTransport::look_at_peers() {
  if (can_lose_ranks_ && !revoked_ && ulfm::count_dead(comm_) > 0) give_up();
}

std::string MpiTransport::describe_silence() const {
  return peers_.empty() ? Transport::describe_silence() : comm::describe_silence(peers_, members(), rank(), host());
}

bool MpiTransport::knows_of_stopped_peer() const {
  return std::ranges::any_of(peers_, [&](const Peer& peer) { return state_of(peer, host()) == PeerState::kStopped; });
}

void MpiTransport::phase_changed() { base::note_phase(phase()); }

void MpiTransport::check(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  if (can_lose_ranks_ && ulfm::is_loss(result)) {
    give_up();
    lose(std::string(call) + " ended: a rank of the job has died or given up");
  }
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(result, text.data(), &length);
  fail(std::string(call) + " failed: " + std::string(text.data(), static_cast<std::size_t>(length)));
}

bool MpiTransport::is_done(MPI_Request& request, MPI_Status& status, const char* call) {
  int done = 0;
  check(MPI_Test(&request, &done, &status), call);
  return done != 0;
}

MPI_Status MpiTransport::complete(MPI_Request& request, const Awaited& awaited) {
  MPI_Status status{};
  if constexpr (kSimulated)
    check(wait_simulated(&request, &status), awaited.action);
  else
    wait([&] { return is_done(request, status, awaited.action); }, awaited);
  return status;
}

void MpiTransport::complete_receive(MPI_Request& request, std::size_t expected, const Awaited& awaited) {
  MPI_Status status{};
  try {
    status = complete(request, awaited);
  } catch (const base::CommError&) {
    // A receive, unlike a collective, can be withdrawn, so that nothing is written later into the caller's memory.
    if (request != MPI_REQUEST_NULL) {
      MPI_Cancel(&request);
      MPI_Request_free(&request);
    }
    throw;
  }
  int bytes = 0;
  check(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
  if (static_cast<std::size_t>(bytes) != expected) {
    fail("rank " + std::to_string(status.MPI_SOURCE) + " sent " + std::to_string(bytes) + " bytes where " +
         std::to_string(expected) + " were expected");
  }
}

void MpiTransport::broadcast_bytes(std::span<std::byte> buffer, int root) {
  for_pieces(buffer, piece_bytes_, [&](std::span<std::byte> piece) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(start_broadcast(piece.data(), count_of(piece), root, comm_, &request), "MPI_Ibcast");
    complete(request, {.action = "a broadcast", .peer = root});
  });
}

void MpiTransport::all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) {
  if (all.size() <= piece_bytes_ && size() >= kTreeFromRanks) return all_gather_along_tree(mine, all);
  if (all.size() > piece_bytes_) {
    std::memcpy(all.data() + static_cast<std::size_t>(rank()) * mine.size(), mine.data(), mine.size());
    for (int r = 0; r < size(); ++r)
      broadcast_bytes(all.subspan(static_cast<std::size_t>(r) * mine.size(), mine.size()), r);
    return;
  }
  MPI_Request request = MPI_REQUEST_NULL;
  check(start_all_gather(mine.data(), count_of(mine), all.data(), comm_, &request), "MPI_Iallgather");
  complete(request, {.action = "an all_gather"});
}

void MpiTransport::gather_bytes(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts,
                                std::span<std::byte> all, int root) {
  const std::size_t total = std::accumulate(byte_counts.begin(), byte_counts.end(), std::size_t{0});
  const auto senders =
      static_cast<std::size_t>(std::ranges::count_if(byte_counts, [](std::size_t bytes) { return bytes > 0; }));
  if (total > piece_bytes_ || is_sparse(senders, byte_counts.size()))
    return gather_in_pieces(mine, byte_counts, all, root);
  std::vector<int> counts(byte_counts.size());
  std::vector<int> begins(byte_counts.size());
  int begin = 0;
  for (std::size_t r = 0; r < counts.size(); ++r) {
    counts[r] = static_cast<int>(byte_counts[r]);
    begins[r] = begin;
    begin += counts[r];
  }
  MPI_Request request = MPI_REQUEST_NULL;
  check(start_gather(mine.data(), count_of(mine), all.data(), counts.data(), begins.data(), root, comm_, &request),
        "MPI_Igatherv");
  complete(request, {.action = "a gather", .peer = root});
}

void MpiTransport::gather_in_pieces(std::span<const std::byte> mine, std::span<const std::size_t> byte_counts,
                                    std::span<std::byte> all, int root) {
  if (rank() != root) {
    if (!mine.empty()) send_bytes(mine, root, Tag{kPieceTag});
    return;
  }
  std::size_t begin = 0;
  for (int r = 0; r < size(); ++r) {
    const auto place = all.subspan(begin, byte_counts[static_cast<std::size_t>(r)]);
    begin += place.size();
    if (place.empty()) continue;
    if (r == rank()) {
      std::memcpy(place.data(), mine.data(), mine.size());
    } else {
      receive_bytes(place, r, Tag{kPieceTag});
    }
  }
}

void MpiTransport::send_bytes(std::span<const std::byte> bytes, int to, Tag tag) {
  const int number = static_cast<int>(tag);
  // A long message to oneself would wait for a receive that this very thread has yet to make.
  if (to == rank()) return post_bytes(std::vector<std::byte>(bytes.begin(), bytes.end()), to, tag);
  for_pieces(bytes, piece_bytes_, [&](std::span<const std::byte> piece) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Isend(piece.data(), count_of(piece), MPI_BYTE, to, number, comm_, &request), "MPI_Isend");
    complete(request, {.action = "taking a message", .peer = to, .tag = number});
  });
}

void MpiTransport::receive_bytes(std::span<std::byte> bytes, int from, Tag tag) {
  const int number = static_cast<int>(tag);
  for_pieces(bytes, piece_bytes_, [&](std::span<std::byte> piece) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Irecv(piece.data(), count_of(piece), MPI_BYTE, from, number, comm_, &request), "MPI_Irecv");
    complete_receive(request, piece.size(), {.action = "a message", .peer = from, .tag = number});
  });
}

std::optional<int> MpiTransport::try_receive_any_bytes(std::span<std::byte> bytes, Tag tag) {
  int found = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status{};
  check(MPI_Improbe(MPI_ANY_SOURCE, static_cast<int>(tag), comm_, &found, &message, &status), "MPI_Improbe");
  if (found == 0) return std::nullopt;
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Imrecv(bytes.data(), count_of(bytes), MPI_BYTE, &message, &request), "MPI_Imrecv");
  complete_receive(request, bytes.size(),
                   {.action = "a message", .peer = status.MPI_SOURCE, .tag = static_cast<int>(tag)});
  return status.MPI_SOURCE;
}

void MpiTransport::post_bytes(std::vector<std::byte> bytes, int to, Tag tag) {
  drop_finished_posts();
  if (bytes.size() <= piece_bytes_) return post_piece(std::move(bytes), to, static_cast<int>(tag));
  for_pieces(std::span<const std::byte>(bytes), piece_bytes_, [&](std::span<const std::byte> piece) {
    post_piece(std::vector<std::byte>(piece.begin(), piece.end()), to, static_cast<int>(tag));
  });
}

void MpiTransport::post_piece(std::vector<std::byte> bytes, int to, int tag) {
  Posted posted{MPI_REQUEST_NULL, std::move(bytes)};
  check(MPI_Isend(posted.bytes.data(), count_of(posted.bytes), MPI_BYTE, to, tag, comm_, &posted.request), "MPI_Isend");
  posted_.push_back(std::move(posted));
}

void MpiTransport::drop_finished_posts() {
  std::erase_if(posted_, [this](Posted& posted) {
    MPI_Status status{};
    return is_done(posted.request, status, "a posted message");
  });
}

void MpiTransport::flush_posted() {
  for (Posted& posted : posted_) complete(posted.request, {.action = "taking a posted message"});
  posted_.clear();
}

void MpiTransport::barrier_all() {
  MPI_Request request = MPI_REQUEST_NULL;
  check(start_barrier(comm_, &request), "MPI_Ibarrier");
  complete(request, {.action = "a barrier"});
}

}  // namespace larimar::comm

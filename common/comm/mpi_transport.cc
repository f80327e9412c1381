#include "common/comm/mpi_transport.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "common/comm/host_name.h"

namespace larimar::comm {
namespace {

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
      exceptions_at_birth_(std::uncaught_exceptions()) {
  check(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
}

MpiTransport::~MpiTransport() {
  if (!is_broken() && std::uncaught_exceptions() == exceptions_at_birth_) {
    try {
      flush_posted();
      MPI_Comm_free(&comm_);
    } catch (const base::Error& error) {
      std::fprintf(stderr, "larimar: closing the transport: %s\n", error.what());
    }
  }
  // MPI may still read these buffers; leaking them is the only safe thing before the job is ended.
  if (!posted_.empty()) static_cast<void>(new std::deque<Posted>(std::move(posted_)));
}

void MpiTransport::abort(base::ExitCode code) {
  std::fflush(nullptr);
  MPI_Abort(comm_, static_cast<int>(code));
  std::_Exit(static_cast<int>(code));
}

void MpiTransport::check(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
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
  if (std::isinf(patience()))
    check(MPI_Wait(&request, &status), awaited.action);
  else
    wait([&] { return is_done(request, status, awaited.action); }, awaited);
  return status;
}

// A receive can be taken back, so that nothing is written later into the caller's memory.
void MpiTransport::withdraw(MPI_Request& request) {
  if (request == MPI_REQUEST_NULL) return;
  MPI_Cancel(&request);
  MPI_Request_free(&request);
}

void MpiTransport::complete_receive(MPI_Request& request, std::size_t expected, const Awaited& awaited) {
  MPI_Status status{};
  try {
    status = complete(request, awaited);
  } catch (const base::CommError&) {
    withdraw(request);
    throw;
  }
  int bytes = 0;
  check(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
  if (static_cast<std::size_t>(bytes) != expected) {
    fail("rank " + std::to_string(status.MPI_SOURCE) + " sent " + std::to_string(bytes) + " bytes where " +
         std::to_string(expected) + " were expected");
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

void MpiTransport::receive_all_bytes(std::span<const Incoming> incoming, Tag tag) {
  const int number = static_cast<int>(tag);
  struct Piece {
    MPI_Request request;
    std::size_t bytes;
    int from;
  };
  std::vector<Piece> pieces;
  try {
    for (const Incoming& one : incoming) {
      for_pieces(one.bytes, piece_bytes_, [&](std::span<std::byte> piece) {
        pieces.push_back({MPI_REQUEST_NULL, piece.size(), one.from});
        check(MPI_Irecv(piece.data(), count_of(piece), MPI_BYTE, one.from, number, comm_, &pieces.back().request),
              "MPI_Irecv");
      });
    }
    for (Piece& piece : pieces)
      complete_receive(piece.request, piece.bytes, {.action = "a message", .peer = piece.from, .tag = number});
  } catch (const base::CommError&) {
    for (Piece& piece : pieces) withdraw(piece.request);
    throw;
  }
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
  check(MPI_Ibarrier(comm_, &request), "MPI_Ibarrier");
  complete(request, {.action = "a barrier"});
}

}  // namespace larimar::comm

#include "launch/doctor/ranks.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "common/comm/mpi_environment.h"
#include "common/comm/mpi_library.h"
#include "launch/build.h"
#include "launch/start_check.h"

namespace larimar::launch::doctor {
namespace {

constexpr comm::Tag kPing{1}, kPong{2};
constexpr int kPings = 20;
constexpr double kClockWarning = 1.0, kClockNote = 0.1;  // seconds

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string launcher() {
  std::string name = "none: this process alone";
  if (!environment("OMPI_COMM_WORLD_SIZE").empty()) {
    name = "Open MPI's mpirun";
  } else if (!environment("SLURM_STEP_ID").empty()) {
    name = "srun";
  } else if (!environment("PMI_RANK").empty()) {
    name = "a Hydra mpiexec (MPICH and its kin)";
  } else if (!environment("PMIX_RANK").empty()) {
    name = "a launcher with PMIx";
  }
  if (const std::string version = environment("PMIX_VERSION"); !version.empty()) {
    name += ", PMIx " + version;
  } else if (!environment("PMIX_RANK").empty()) {
    name += ", PMIx";
  }
  if (const std::string job = environment("SLURM_JOB_ID"); !job.empty()) name += ", in Slurm job " + job;
  return name;
}

double now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds by which the peer's clock is ahead of ours, by the quickest of several exchanges.
double offset_of(comm::Transport& transport, int peer) {
  double best = 1e9, offset = 0;
  for (int i = 0; i < kPings; ++i) {
    const double sent = now(CLOCK_REALTIME);
    double theirs = 0;
    transport.send(std::span(&sent, 1), peer, kPing);
    transport.receive(std::span(&theirs, 1), peer, kPong);
    const double back = now(CLOCK_REALTIME);
    if (back - sent < best) {
      best = back - sent;
      offset = theirs - 0.5 * (sent + back);
    }
  }
  return offset;
}

void answer_pings(comm::Transport& transport) {
  for (int i = 0; i < kPings; ++i) {
    double sent = 0;
    transport.receive(std::span(&sent, 1), 0, kPing);
    const double here = now(CLOCK_REALTIME);
    transport.send(std::span(&here, 1), 0, kPong);
  }
}

Finding steady_clock() {
  double last = now(CLOCK_MONOTONIC);
  for (int i = 0; i < 1000; ++i) {
    const double next = now(CLOCK_MONOTONIC);
    if (next < last)
      return {"steady clock", State::kBad, "went backwards", "the host's clock source is broken; leave this host out",
              ""};
    last = next;
  }
  return {"steady clock", State::kGood, "never went backwards", "", ""};
}

}  // namespace

std::vector<int> first_ranks_of_hosts(comm::Transport& transport) {
  const std::vector<std::string> hosts = transport.all_gather_strings(transport.host());
  std::vector<int> firsts;
  for (const std::string& host : hosts)
    firsts.push_back(static_cast<int>(std::ranges::find(hosts, host) - hosts.begin()));
  return firsts;
}

std::vector<Finding> compare_ranks(comm::Transport& transport, int threads) {
  const comm::MpiLibrary mpi = comm::mpi_library();
  std::vector<Finding> findings{
      {"build", State::kGood, build_text(), "", ""},
      {"launcher", State::kGood, launcher(), "", ""},
      {"MPI", State::kGood,
       mpi.name + ", standard " + mpi.standard + (mpi.fault_tolerant ? ", with ULFM" : ", without ULFM"), "", ""}};
  const std::string missing = comm::missing_ranks(transport.size());
  const std::set<int> hosts = [&] {
    const std::vector<int> firsts = first_ranks_of_hosts(transport);
    return std::set<int>(firsts.begin(), firsts.end());
  }();
  findings.push_back({"world", missing.empty() ? State::kGood : State::kBad,
                      std::to_string(transport.size()) + " ranks on " + std::to_string(hosts.size()) + " hosts" +
                          (missing.empty() ? "" : "; " + missing),
                      missing.empty() ? "" : "start the job as that says", ""});
  const std::vector<std::string> unlike = comm::compare_facts(transport, start_facts("doctor"));
  const std::vector<std::string> uneven = comm::compare_facts(transport, thread_facts());
  const auto add = [&](const std::string& sentence, State state) {
    const std::size_t cut = sentence.rfind("; ");
    findings.push_back({"ranks agree", state, sentence.substr(0, cut), sentence.substr(cut + 2), ""});
  };
  for (const std::string& sentence : unlike) add(sentence, State::kBad);
  for (const std::string& sentence : uneven) add(sentence, State::kWarning);
  if (unlike.empty() && uneven.empty())
    findings.push_back({"ranks agree", State::kGood, "in build, LibTorch, numbers and threads", "", ""});
  const auto seats = transport.all_gather_one(seat_of_this_rank(transport.host(), threads));
  const std::vector<std::string> crowded = crowded_hosts(seats);
  for (const std::string& sentence : crowded) {
    const std::size_t cut = sentence.rfind("; ");
    findings.push_back({"threads", State::kWarning, sentence.substr(0, cut), sentence.substr(cut + 2), ""});
  }
  if (crowded.empty())
    findings.push_back({"threads", State::kGood,
                        std::to_string(threads) + " for each rank, OMP_NUM_THREADS=" +
                            (environment("OMP_NUM_THREADS").empty() ? "unset" : environment("OMP_NUM_THREADS")),
                        "", ""});
  return findings;
}

std::vector<Finding> compare_clocks(comm::Transport& transport) {
  const comm::PhaseScope phase(transport, "compare the clocks");
  const std::vector<int> firsts = first_ranks_of_hosts(transport);
  // A host's first rank stands for it; in a job on one host the last rank is asked, so that something is measured.
  std::set<int> asked(firsts.begin(), firsts.end());
  if (asked.size() == 1) asked.insert(transport.size() - 1);
  asked.erase(0);
  std::vector<Finding> findings;
  double worst = 0;
  int worst_rank = 0;
  for (const int peer : asked) {
    if (transport.rank() == peer) answer_pings(transport);
    if (transport.rank() != 0) continue;
    const double offset = offset_of(transport, peer);
    if (std::abs(offset) > std::abs(worst)) {
      worst = offset;
      worst_rank = peer;
    }
  }
  if (transport.rank() == 0 && !asked.empty()) {
    char text[128];
    std::snprintf(text, sizeof text, "rank %d is %.3f ms from rank 0", worst_rank, worst * 1e3);
    Finding finding{"clock", State::kGood, text, "", kJob};
    if (std::abs(worst) > kClockNote) {
      finding.state = std::abs(worst) > kClockWarning ? State::kWarning : State::kNote;
      finding.advice =
          "let chrony or ntpd set the clocks; times in run.json and logs of different hosts do not fit together";
    }
    findings.push_back(finding);
  }
  findings.push_back(steady_clock());
  return findings;
}

}  // namespace larimar::launch::doctor

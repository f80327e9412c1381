#include "launch/start_check.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/log.h"
#include "common/comm/agree.h"
#include "common/comm/mpi_environment.h"
#include "common/comm/start_deadline.h"
#include "launch/build.h"
#include "launch/model_ids.h"

namespace larimar::launch {
namespace {

constexpr std::size_t kShownHosts = 3;
constexpr int kRanksBesideDecoders = 3;  // the coordinator and two shards; with fewer rank 0 decodes (wire::plan_roles)

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "no value" : value;
}

/// As numbers come out of this process.
std::string numeric_form() {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", 1.5);
  return text;
}

bool is_folder(const std::string& setting) {
  return setting == "model" || setting == "keys_folder" || setting == "key_table" || setting == "language_model" ||
         setting == "calibrate" || setting == "m0";
}

/// Ranks of one host, together.
struct Crowd {
  int first = 0, ranks = 0;
  std::uint32_t threads = 0, cores = 0;
  bool squeezed = false;  // a rank is bound to fewer cores than it has threads
  bool polite = true;
};

}  // namespace

void set_numeric_locale() { std::setlocale(LC_NUMERIC, "C"); }

std::vector<comm::Fact> start_facts(const std::string& command) {
  return {{"the command", "\"" + command + "\"", "start one command on all ranks"},
          {"the build of the program", build_text(),
           "install one build on every host, or start it from a folder that all see"},
          {"LibTorch", libtorch_text(), "run launch/install.sh of one release on every host"},
          {"how numbers are written", numeric_form(),
           "a preloaded library sets the numeric locale, start with LC_ALL=C and without it"}};
}

std::vector<comm::Fact> thread_facts() {
  return {
      {"OMP_NUM_THREADS", environment("OMP_NUM_THREADS"), "hand it on to all ranks, with mpirun -x OMP_NUM_THREADS"}};
}

void check_start(comm::Transport& transport, const std::string& command) {
  const comm::PhaseScope phase(transport, "compare the ranks");
  const comm::PatienceScope patience(transport, comm::start_patience());
  comm::together(transport, [&] {
    if (const std::string missing = comm::missing_ranks(transport.size()); !missing.empty())
      throw base::ConfigError(missing);
  });
  comm::require_same(transport, start_facts(command));
  const std::vector<std::string> uneven = comm::compare_facts(transport, thread_facts());
  if (transport.rank() != 0) return;
  for (const std::string& sentence : uneven) base::log(base::LogLevel::kWarning, sentence);
}

std::vector<comm::Fact> facts_of(const JobSetup& setup) {
  const std::string advice = "give all ranks the same options, and the same LARIMAR_ variables on every host";
  std::vector<comm::Fact> facts;
  const nlohmann::json settings = to_json(setup);
  for (const auto& [name, value] : settings.items()) {
    if (!is_folder(name)) facts.push_back({"the setting " + name, value.dump(), advice});
  }
  return facts;
}

void check_decoders(int ranks, int decoders) {
  if (decoders == 1 || decoders <= ranks - 2) return;
  throw base::ConfigError("--decoders " + std::to_string(decoders) + " leaves none of " + std::to_string(ranks) +
                          " ranks to store segments; start at least " +
                          std::to_string(decoders + kRanksBesideDecoders) + " ranks, or take fewer decoders");
}

void check_setup(comm::Transport& transport, const JobSetup& setup) {
  comm::together(transport, [&] { check_decoders(transport.size(), setup.decoders); });
  if (transport.size() == 1) return;
  const comm::PhaseScope phase(transport, "compare the networks");
  const std::string advice = "copy one folder to every host, or name one that all see with ";
  std::vector<comm::Fact> facts = comm::together(transport, [&] {
    std::vector<comm::Fact> networks{{"the model", model_id(setup), advice + "--model"},
                                     {"the key network", keys_id(setup), advice + "--keys-folder"}};
    if (needs_language(setup) || !setup.decoder_model.empty())
      networks.push_back({"the language model", language_id(setup), advice + "--language-model"});
    if (!setup.decoder_model.empty())
      networks.push_back({"the decoder model", decoder_id(setup), advice + "--decoder-model"});
    return networks;
  });
  for (comm::Fact& fact : facts_of(setup)) facts.push_back(std::move(fact));
  comm::require_same(transport, facts);
  const auto seats = transport.all_gather_one(seat_of_this_rank(transport.host(), setup.threads));
  if (transport.rank() != 0) return;
  for (const std::string& sentence : crowded_hosts(seats)) base::log(base::LogLevel::kWarning, sentence);
  if (setup.decoders > 1 && transport.size() < setup.decoders + kRanksBesideDecoders)
    base::log(base::LogLevel::kWarning, "rank 0 decodes alone: " + std::to_string(setup.decoders) +
                                            " decoders take at least " +
                                            std::to_string(setup.decoders + kRanksBesideDecoders) + " ranks");
}

Seat seat_of_this_rank(const std::string& host, int threads) {
  Seat seat;
  seat.host = std::hash<std::string>{}(host);
  seat.cores = static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const bool known = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  seat.allowed = known ? static_cast<std::uint32_t>(CPU_COUNT(&allowed)) : seat.cores;
  seat.threads = static_cast<std::uint32_t>(threads);
  const bool yields =
      environment("OMPI_MCA_mpi_yield_when_idle") == "1" || environment("OMPI_COMM_WORLD_SIZE") == "no value";
  const bool waits_passively = threads == 1 || environment("OMP_WAIT_POLICY") == "passive";
  seat.is_polite = yields && waits_passively ? 1 : 0;
  return seat;
}

std::vector<std::string> crowded_hosts(const std::vector<Seat>& seats) {
  std::map<std::uint64_t, Crowd> crowds;
  for (std::size_t r = 0; r < seats.size(); ++r) {
    const Seat& seat = seats[r];
    const auto [found, is_new] = crowds.try_emplace(seat.host);
    Crowd& crowd = found->second;
    if (is_new) crowd.first = static_cast<int>(r);
    ++crowd.ranks;
    crowd.threads += seat.threads;
    crowd.cores = seat.cores;
    crowd.squeezed = crowd.squeezed || seat.threads > seat.allowed;
    crowd.polite = crowd.polite && seat.is_polite != 0;
  }
  std::vector<std::string> sentences;
  for (const auto& [host, crowd] : crowds) {
    if (sentences.size() == kShownHosts) break;
    if (crowd.squeezed) {
      sentences.push_back(
          "a rank on the host of rank " + std::to_string(crowd.first) +
          " has more threads than cores that it may use; give mpirun --bind-to none, or fewer --threads");
    } else if (crowd.threads > crowd.cores && !crowd.polite) {
      sentences.push_back("the host of rank " + std::to_string(crowd.first) + " has " + std::to_string(crowd.cores) +
                          " cores for " + std::to_string(crowd.threads) + " threads of " + std::to_string(crowd.ranks) +
                          " ranks, which slow each other down while they wait; use fewer, or set "
                          "OMPI_MCA_mpi_yield_when_idle=1 and OMP_WAIT_POLICY=passive");
    }
  }
  return sentences;
}

}  // namespace larimar::launch

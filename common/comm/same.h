#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/comm/transport.h"

namespace larimar::comm {

/// One thing that has to be the same on all ranks, as this rank has it.
struct Fact {
  std::string what;    // "the build of the program"; the same word on all ranks
  std::string value;   // compared byte by byte, and shown
  std::string advice;  // what to do where ranks disagree
};

/// The facts of one rank, and where it runs.
struct RankFacts {
  std::string host;
  std::vector<Fact> facts;
};

/// One sentence for each fact that is not the same everywhere: who has what, and what to do; empty if all agree. A fact that
/// a rank does not name counts as "nothing". Local.
[[nodiscard]] std::vector<std::string> differences(std::span<const RankFacts> ranks);

/// What differs of `mine` between the ranks, as differences() says it, on every rank. Never throws for a difference.
/// Calls: collective; size() + 2 small ones.
/// Throws CommError as the transport; ConfigError where a rank orders the bytes of a number in another way.
[[nodiscard]] std::vector<std::string> compare_facts(Transport& transport, const std::vector<Fact>& mine);

/// Throws AgreedError(kConfig) on every rank, with all the sentences, if a fact differs. Calls: as compare_facts.
void require_same(Transport& transport, const std::vector<Fact>& mine);

/// The first thing that ranks send: the same bytes whatever the machine, and a number in the machine's own order.
struct Greeting {
  char name[4] = {'L', 'R', 'M', 'R'};
  std::uint32_t order = 0x01020304;
};
/// What is wrong with the greetings of all ranks; empty if nothing. Local.
[[nodiscard]] std::string wrong_greeting(std::span<const Greeting> greetings);

/// "rank 3", "ranks 0-2, 5". `ranks` ascend. Local.
[[nodiscard]] std::string rank_list(const std::vector<int>& ranks);

}  // namespace larimar::comm

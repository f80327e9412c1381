#include "common/comm/same.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/comm/agree.h"

namespace larimar::comm {
namespace {

constexpr std::size_t kShownHosts = 4;
constexpr std::size_t kMaxFactBytes = std::size_t{1} << 16;  // of one rank
constexpr char kEnd = '\0';

// A text of fields, each with a zero byte behind it: host, then what, value, advice of each fact.
std::string pack(const RankFacts& facts) {
  std::string text = facts.host + kEnd;
  for (const Fact& fact : facts.facts) text += fact.what + kEnd + fact.value + kEnd + fact.advice + kEnd;
  return text;
}

RankFacts unpack(const std::string& text) {
  std::vector<std::string> fields;
  for (std::size_t begin = 0, end = 0; (end = text.find(kEnd, begin)) != std::string::npos; begin = end + 1)
    fields.push_back(text.substr(begin, end - begin));
  RankFacts facts;
  if (!fields.empty()) facts.host = fields[0];
  for (std::size_t i = 1; i + 2 < fields.size(); i += 3)
    facts.facts.push_back({fields[i], fields[i + 1], fields[i + 2]});
  return facts;
}

/// Those who have one value.
struct Holders {
  std::string value;
  std::vector<int> ranks;
  std::vector<std::string> hosts;
};

std::string value_of(const RankFacts& rank, const std::string& what) {
  const auto found = std::ranges::find(rank.facts, what, &Fact::what);
  return found == rank.facts.end() ? "nothing" : found->value;
}

std::vector<Holders> holders_of(std::span<const RankFacts> ranks, const std::string& what) {
  std::vector<Holders> all;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    const std::string value = value_of(ranks[r], what);
    auto found = std::ranges::find(all, value, &Holders::value);
    if (found == all.end()) found = all.insert(all.end(), {value, {}, {}});
    found->ranks.push_back(static_cast<int>(r));
    if (std::ranges::find(found->hosts, ranks[r].host) == found->hosts.end()) found->hosts.push_back(ranks[r].host);
  }
  return all;
}

std::string host_list(const std::vector<std::string>& hosts) {
  std::string text;
  for (std::size_t i = 0; i < std::min(hosts.size(), kShownHosts); ++i) text += (i > 0 ? ", " : "") + hosts[i];
  if (hosts.size() > kShownHosts) text += " and " + std::to_string(hosts.size() - kShownHosts) + " more";
  return text;
}

}  // namespace

std::string rank_list(const std::vector<int>& ranks) {
  std::string text;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t last = i;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    text += (i > 0 ? ", " : "") + std::to_string(ranks[i]);
    if (last > i) text += "-" + std::to_string(ranks[last]);
    i = last + 1;
  }
  return (ranks.size() == 1 ? "rank " : "ranks ") + text;
}

std::vector<std::string> differences(std::span<const RankFacts> ranks) {
  std::vector<Fact> asked;  // each once, in the order of the first rank that names it
  for (const RankFacts& rank : ranks) {
    for (const Fact& fact : rank.facts) {
      if (std::ranges::find(asked, fact.what, &Fact::what) == asked.end()) asked.push_back(fact);
    }
  }
  std::vector<std::string> sentences;
  for (const Fact& fact : asked) {
    const std::vector<Holders> all = holders_of(ranks, fact.what);
    if (all.size() < 2) continue;
    std::string text = "the ranks differ in " + fact.what + ": ";
    for (std::size_t i = 0; i < all.size(); ++i) {
      text += (i > 0 ? ", " : "") + rank_list(all[i].ranks) + " on " + host_list(all[i].hosts) +
              (all[i].ranks.size() == 1 ? " has " : " have ") + all[i].value;
    }
    sentences.push_back(text + "; " + fact.advice);
  }
  return sentences;
}

std::string wrong_greeting(std::span<const Greeting> greetings) {
  std::vector<int> strangers, turned;
  const Greeting own;
  for (std::size_t r = 0; r < greetings.size(); ++r) {
    if (!std::ranges::equal(greetings[r].name, own.name)) {
      strangers.push_back(static_cast<int>(r));
    } else if (greetings[r].order != own.order) {
      turned.push_back(static_cast<int>(r));
    }
  }
  if (!strangers.empty())
    return rank_list(strangers) + " did not begin as this program does; start the same larimar on every rank";
  if (!turned.empty())
    return rank_list(turned) +
           " keeps the bytes of a number in the other order than this machine; ranks exchange them as " +
           "they are, so use machines of one kind";
  return {};
}

std::vector<std::string> compare_facts(Transport& transport, const std::vector<Fact>& mine) {
  const std::vector<Greeting> greetings = transport.all_gather_one(Greeting{});
  if (const std::string wrong = wrong_greeting(greetings); !wrong.empty()) throw base::ConfigError(wrong);
  const auto limit = kMaxFactBytes * static_cast<std::size_t>(transport.size());
  std::vector<RankFacts> ranks;
  for (const std::string& text : transport.all_gather_strings(pack({transport.host(), mine}), limit))
    ranks.push_back(unpack(text));
  return differences(ranks);
}

void require_same(Transport& transport, const std::vector<Fact>& mine) {
  const std::vector<std::string> sentences = compare_facts(transport, mine);
  if (sentences.empty()) return;
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : ". Also, ") + sentence;
  throw AgreedError(base::ExitCode::kConfig, text);
}

}  // namespace larimar::comm

// Messages as CountingTransport counts them where they leave, against the cost model.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/comm/counting_transport.h"
#include "coordinator/cost_model.h"
#include "tests/support/in_process.h"

namespace larimar::coordinator {
namespace {

constexpr Network kNetwork{.bytes_per_second = 1e9};
constexpr int kRanks[] = {1, 2, 3, 4, 5, 8, 17};

/// What each rank sent while `program` ran.
template <class Program>
std::vector<RankCost> count(int ranks, const Program& program) {
  std::vector<RankCost> all(static_cast<std::size_t>(ranks));
  support::run_in_process(ranks, [&](comm::Transport& transport) {
    comm::CountingTransport counting(transport);
    program(counting);
    auto& mine = all[static_cast<std::size_t>(transport.rank())];  // each rank its own
    mine.messages_sent = counting.sent().messages;
    mine.bytes_sent = counting.sent().bytes;
  });
  return all;
}

void expect_sent(const std::vector<RankCost>& counted, const CostModel& model, const char* what) {
  const Cost cost = model.cost();
  for (std::size_t rank = 0; rank < counted.size(); ++rank) {
    EXPECT_EQ(counted[rank].messages_sent, cost.ranks[rank].messages_sent)
        << what << ", rank " << rank << " of " << counted.size();
    EXPECT_EQ(counted[rank].bytes_sent, cost.ranks[rank].bytes_sent)
        << what << ", rank " << rank << " of " << counted.size();
  }
}

TEST(CountedMessages, BroadcastsAreThoseOfTheModel) {
  for (const int ranks : kRanks) {
    CostModel model(ranks, kNetwork);
    model.broadcast(100);
    model.broadcast_string(5);
    expect_sent(count(ranks,
                      [](comm::Transport& transport) {
                        std::vector<char> buffer(100, transport.rank() == 0 ? 'x' : ' ');
                        transport.broadcast(std::span(buffer), 0);
                        EXPECT_EQ(buffer, std::vector<char>(100, 'x'));
                        std::string text = transport.rank() == 0 ? "hello" : "";
                        transport.broadcast_string(text, 0);
                        EXPECT_EQ(text, "hello");
                      }),
                model, "broadcast");
  }
}

TEST(CountedMessages, AnyRankMayBroadcast) {
  const auto counted = count(5, [](comm::Transport& transport) {
    std::uint64_t value = transport.rank() == 3 ? 7 : 0;
    transport.broadcast(std::span(&value, 1), 3);
    EXPECT_EQ(value, 7U);
  });
  std::uint64_t messages = 0;
  for (const RankCost& rank : counted) messages += rank.messages_sent;
  EXPECT_EQ(messages, 4U);
  EXPECT_EQ(counted[3].messages_sent, 3U) << "the root has the tree's children of rank 0";
}

TEST(CountedMessages, AllGathersAreThoseOfTheModel) {
  for (const int ranks : kRanks) {
    CostModel model(ranks, kNetwork);
    model.all_gather(8);
    expect_sent(count(ranks,
                      [](comm::Transport& transport) {
                        const auto all = transport.all_gather_one(static_cast<std::uint64_t>(10 + transport.rank()));
                        for (std::size_t rank = 0; rank < all.size(); ++rank) EXPECT_EQ(all[rank], 10 + rank);
                      }),
                model, "all_gather");
  }
}

TEST(CountedMessages, GathersFullSparseAndEmptyAreThoseOfTheModel) {
  for (const int ranks : kRanks) {
    for (const int first_sender : {0, ranks - 1, ranks}) {  // all say something, one does, nobody does
      std::vector<std::size_t> counts(static_cast<std::size_t>(ranks));
      for (int rank = first_sender; rank < ranks; ++rank)
        counts[static_cast<std::size_t>(rank)] = static_cast<std::size_t>(3 + rank);
      CostModel model(ranks, kNetwork);
      model.gather(counts);
      expect_sent(count(ranks,
                        [&](comm::Transport& transport) {
                          const auto rank = static_cast<std::size_t>(transport.rank());
                          const std::vector<char> mine(counts[rank], static_cast<char>('a' + rank));
                          const auto all = transport.gather_varying(std::span(mine), counts, 0);
                          if (rank != 0) return;
                          std::string expected;
                          for (std::size_t r = 0; r < counts.size(); ++r)
                            expected.append(counts[r], static_cast<char>('a' + r));
                          EXPECT_EQ(std::string(all.begin(), all.end()), expected);
                        }),
                  model, "gather");
    }
  }
}

TEST(CountedMessages, MergesAreThoseOfTheModel) {
  const auto bytes = [](int first, int last) { return static_cast<std::size_t>(last - first); };
  for (const int ranks : kRanks) {
    CostModel model(ranks, kNetwork);
    model.merge_up(bytes);
    expect_sent(count(ranks,
                      [&](comm::Transport& transport) {
                        const auto joined = transport.merge_up(
                            {static_cast<std::byte>(transport.rank())},
                            {bytes, [](std::span<const std::byte> low, std::span<const std::byte> high) {
                               std::vector<std::byte> both(low.begin(), low.end());
                               both.insert(both.end(), high.begin(), high.end());
                               return both;
                             }});
                        if (transport.rank() != 0) return;
                        for (std::size_t rank = 0; rank < joined.size(); ++rank)
                          EXPECT_EQ(static_cast<std::size_t>(joined[rank]), rank);
                      }),
                model, "merge_up");
  }
}

TEST(CountedMessages, MessagesBetweenTwoRanksCountOnceAndThoseToOneselfDoNot) {
  constexpr comm::Tag kTag{5};
  const auto counted = count(2, [](comm::Transport& transport) {
    const std::vector<char> text(10, 'x');
    std::vector<char> heard(10);
    transport.send(std::span(text), transport.rank(), kTag);
    transport.receive(std::span(heard), transport.rank(), kTag);
    if (transport.rank() == 0) {
      transport.send(std::span(text), 1, kTag);
      transport.post(std::span(text).first(4), 1, kTag);
      transport.flush();
    } else {
      transport.receive(std::span(heard), 0, kTag);
      transport.receive(std::span(heard).first(4), 0, kTag);
    }
    transport.barrier();
  });
  EXPECT_EQ(counted[0].messages_sent, 2U);
  EXPECT_EQ(counted[0].bytes_sent, 14U);
  EXPECT_EQ(counted[1], RankCost{});
}

TEST(CountedMessages, WhatCannotBeCountedIsRefused) {
  const auto group = comm::make_in_process_group(1);
  comm::CountingTransport counting(*group.front());
  EXPECT_THROW(static_cast<void>(counting.receive_any<int>(comm::Tag{5})), base::CommError);
}

TEST(CountedMessages, ResetBeginsAnew) {
  support::run_in_process(2, [](comm::Transport& transport) {
    comm::CountingTransport counting(transport);
    static_cast<void>(counting.all_gather_one(1));
    EXPECT_EQ(counting.sent().messages, 1U);
    counting.reset();
    EXPECT_EQ(counting.sent().messages, 0U);
    EXPECT_EQ(counting.sent().bytes, 0U);
  });
}

}  // namespace
}  // namespace larimar::coordinator

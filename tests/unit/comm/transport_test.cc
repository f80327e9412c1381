// Every verb of the seam, on every transport. Each value depends on the rank that made it, so a message that went astray shows.
#include "common/comm/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <numeric>

#include "tests/unit/comm/ranks.h"

namespace larimar::comm {
namespace {

constexpr Tag kData{5};
constexpr Tag kProgress{7};

class TransportTest : public testing::TestWithParam<int> {
 protected:
  static void run(const std::function<void(Transport&)>& program, std::size_t piece_bytes = std::size_t{1} << 30) {
    test::on_ranks({.ranks = GetParam(), .piece_bytes = piece_bytes}, program);
  }
};
INSTANTIATE_TEST_SUITE_P(Ranks, TransportTest, testing::ValuesIn(test::rank_counts()));

std::vector<int> numbers(int from, std::size_t count) {
  std::vector<int> values(count);
  std::iota(values.begin(), values.end(), from);
  return values;
}

TEST_P(TransportTest, KnowsItsPlace) {
  run([](Transport& t) {
    EXPECT_GE(t.rank(), 0);
    EXPECT_LT(t.rank(), t.size());
    EXPECT_FALSE(t.host().empty());
    const std::vector<int> ranks = t.all_gather_one(t.rank());
    EXPECT_EQ(ranks, numbers(0, static_cast<std::size_t>(t.size())));
  });
}

TEST_P(TransportTest, BroadcastReachesAllFromEachRoot) {
  run([](Transport& t) {
    for (int root = 0; root < t.size(); ++root) {
      std::vector<int> values = t.rank() == root ? numbers(100 * root, 1000) : std::vector<int>(1000, -1);
      t.broadcast(std::span(values), root);
      EXPECT_EQ(values, numbers(100 * root, 1000)) << "root " << root;
    }
  });
}

TEST_P(TransportTest, ZeroElementsAreNoMessageAndNoHang) {
  run([](Transport& t) {
    std::vector<float> none;
    t.broadcast(std::span(none), 0);
    t.all_gather<float>(none, std::span(none));
    const std::vector<std::size_t> counts(static_cast<std::size_t>(t.size()), 0);
    EXPECT_TRUE(t.gather_varying(std::span(none), counts, 0).empty());
    t.post(std::span(none), t.rank(), kData);
    t.receive(std::span(none), t.rank(), kData);
    EXPECT_EQ(t.all_gather_one(t.rank()).back(), t.size() - 1);  // nothing is left over that a later call could take
  });
}

TEST_P(TransportTest, StringsOfAllLengths) {
  run([](Transport& t) {
    const int last = t.size() - 1;
    for (const std::string& original : {std::string(), std::string("a\0b", 3), std::string(100'000, 'x')}) {
      std::string text = t.rank() == last ? original : "to be replaced";
      t.broadcast_string(text, last);
      EXPECT_EQ(text, original);
    }
    // Rank r says r letters, so rank 0 says nothing.
    const auto all = t.all_gather_strings(std::string(static_cast<std::size_t>(t.rank()), 'r'));
    EXPECT_EQ(all.size(), static_cast<std::size_t>(t.size()));
    for (std::size_t r = 0; r < all.size(); ++r) EXPECT_EQ(all[r], std::string(r, 'r'));
  });
}

TEST_P(TransportTest, TooLongStringFailsOnAllRanksAlike) {
  run([](Transport& t) {
    std::string text = t.rank() == 0 ? "eleven char" : "";
    EXPECT_THROW(t.broadcast_string(text, 0, 10), base::CommError);
  });
  run([](Transport& t) { EXPECT_THROW(static_cast<void>(t.all_gather_strings("eleven char", 10)), base::CommError); });
}

TEST_P(TransportTest, AllGatherKeepsRankOrder) {
  run([](Transport& t) {
    const std::vector<int> mine = numbers(3 * t.rank(), 3);
    std::vector<int> all(3 * static_cast<std::size_t>(t.size()));
    t.all_gather<int>(mine, std::span(all));
    EXPECT_EQ(all, numbers(0, all.size()));
  });
}

TEST_P(TransportTest, GatherVaryingJoinsUnequalPartsAtTheRoot) {
  run([](Transport& t) {
    // Rank r brings r numbers and rank 0 none; as the root is any rank, it too brings none, some or most.
    std::vector<std::size_t> counts(static_cast<std::size_t>(t.size()));
    std::iota(counts.begin(), counts.end(), std::size_t{0});
    const std::size_t before = static_cast<std::size_t>(t.rank() * (t.rank() - 1) / 2);
    const std::vector<int> mine = numbers(static_cast<int>(before), static_cast<std::size_t>(t.rank()));
    for (int root = 0; root < t.size(); ++root) {
      const std::vector<int> all = t.gather_varying(std::span(mine), counts, root);
      const std::size_t total = counts.size() * (counts.size() - 1) / 2;
      EXPECT_EQ(all, t.rank() == root ? numbers(0, total) : std::vector<int>()) << "root " << root;
    }
  });
}

/// Ranks say their number, but for each third, which says nothing; a run is its numbers one after another.
std::vector<std::byte> own_number(const Transport& t) {
  if (t.rank() % 3 == 1) return {};
  const int number = t.rank();
  const auto bytes = std::as_bytes(std::span(&number, 1));
  return {bytes.begin(), bytes.end()};
}
const Merging kAppendNumbers{[](int first, int last) {
                               std::size_t bytes = 0;
                               for (int r = first; r < last; ++r) bytes += r % 3 == 1 ? 0 : sizeof(int);
                               return bytes;
                             },
                             [](std::span<const std::byte> low, std::span<const std::byte> high) {
                               EXPECT_FALSE(low.empty() || high.empty());
                               std::vector<std::byte> both(low.begin(), low.end());
                               both.insert(both.end(), high.begin(), high.end());
                               return both;
                             }};

TEST_P(TransportTest, MergeUpJoinsNeighboursInRankOrder) {
  run([](Transport& t) {
    for (int round = 0; round < 3; ++round) {
      const std::vector<std::byte> all = t.merge_up(own_number(t), kAppendNumbers);
      if (t.rank() != 0) {
        EXPECT_TRUE(all.empty());
        continue;
      }
      std::vector<int> found(all.size() / sizeof(int)), expected;
      std::memcpy(found.data(), all.data(), all.size());
      for (int r = 0; r < t.size(); ++r)
        if (r % 3 != 1) expected.push_back(r);
      EXPECT_EQ(found, expected);
    }
  });
}

TEST_P(TransportTest, CountsWhatItSendsAndReceives) {
  run([](Transport& t) {
    const auto ranks = static_cast<std::uint64_t>(t.size());
    std::vector<int> values(10);
    t.broadcast(std::span(values), t.size() - 1);
    static_cast<void>(t.all_gather_one(t.rank()));
    std::vector<std::size_t> counts(ranks, 2);
    counts.front() = 0;
    static_cast<void>(t.gather_varying(std::span<const int>(values.data(), counts[static_cast<std::size_t>(t.rank())]),
                                       counts, t.size() - 1));
    if (t.rank() == 0) t.send(std::span(values), t.size() - 1, kData);
    if (t.rank() == t.size() - 1) t.receive(std::span(values), 0, kData);

    std::array<Traffic, kVerbNames.size()> mine{};  // before the next all_gather, which counts too
    for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = t.traffic(static_cast<Verb>(i));
    const auto everybodys = t.all_gather_one(mine);
    std::array<Traffic, kVerbNames.size()> sum{};
    for (const auto& rank : everybodys) {
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i].messages_sent += rank[i].messages_sent;
        sum[i].bytes_sent += rank[i].bytes_sent;
        sum[i].messages_received += rank[i].messages_received;
        sum[i].bytes_received += rank[i].bytes_received;
      }
    }
    for (const Traffic& one : sum) {
      EXPECT_EQ(one.messages_sent, one.messages_received);
      EXPECT_EQ(one.bytes_sent, one.bytes_received);
    }
    const auto of = [&](Verb verb) { return sum[static_cast<std::size_t>(verb)]; };
    EXPECT_EQ(of(Verb::kBroadcast).messages_sent, ranks - 1);
    EXPECT_EQ(of(Verb::kBroadcast).bytes_sent, (ranks - 1) * 40);
    EXPECT_EQ(of(Verb::kAllGather).messages_sent, 2 * (ranks - 1));
    EXPECT_EQ(of(Verb::kGather).messages_sent, ranks < 3 ? 0 : ranks - 2)
        << "not from rank 0, which has none, nor the root";
    EXPECT_EQ(of(Verb::kMerge), Traffic{});
    EXPECT_EQ(of(Verb::kMessage).bytes_sent, 40U);
    EXPECT_EQ(mine[0].calls, 1U);
  });
}

TEST_P(TransportTest, LongBuffersInPiecesArriveWhole) {
  constexpr std::size_t kPieceBytes = 24;  // not a divisor of anything below
  run(
      [](Transport& t) {
        std::vector<int> values = t.rank() == 0 ? numbers(7, 101) : std::vector<int>(101);
        t.broadcast(std::span(values), 0);
        EXPECT_EQ(values, numbers(7, 101));

        std::vector<int> all(11 * static_cast<std::size_t>(t.size()));
        t.all_gather<int>(numbers(11 * t.rank(), 11), std::span(all));
        EXPECT_EQ(all, numbers(0, all.size()));

        std::vector<std::size_t> counts(static_cast<std::size_t>(t.size()), 13);
        counts.front() = 0;
        const std::vector<int> mine = numbers(13 * (t.rank() - 1), counts[static_cast<std::size_t>(t.rank())]);
        const std::vector<int> joined = t.gather_varying(std::span(mine), counts, t.size() - 1);
        if (t.rank() == t.size() - 1) {
          EXPECT_EQ(joined, numbers(0, 13 * (counts.size() - 1)));
        }

        const int right = (t.rank() + 1) % t.size();
        const int left = (t.rank() + t.size() - 1) % t.size();
        const std::vector<int> outgoing = numbers(1000 * t.rank(), 50);
        t.post(std::span(outgoing), right, kData);
        std::vector<int> incoming(50);
        t.receive(std::span(incoming), left, kData);
        EXPECT_EQ(incoming, numbers(1000 * left, 50));
        t.flush();
      },
      kPieceBytes);
}

TEST_P(TransportTest, SendAndReceiveKeepOrderAndTags) {
  run([](Transport& t) {
    if (t.rank() != 0) {
      for (int i = 0; i < 3; ++i) {
        const std::vector<int> data = numbers(10 * t.rank() + i, 2);
        t.send(std::span(data), 0, kData);
      }
      const std::vector<int> other{-t.rank()};
      t.send(std::span(other), 0, kProgress);
      return;
    }
    for (int from = t.size() - 1; from >= 1; --from) {
      std::vector<int> other(1);
      t.receive(std::span(other), from, kProgress);  // sent last, asked for first
      EXPECT_EQ(other.front(), -from);
      for (int i = 0; i < 3; ++i) {
        std::vector<int> data(2);
        t.receive(std::span(data), from, kData);
        EXPECT_EQ(data, numbers(10 * from + i, 2));
      }
    }
  });
}

TEST_P(TransportTest, ALongMessageToOneselfDoesNotBlock) {
  run([](Transport& t) {
    const std::vector<int> data = numbers(t.rank(), 300'000);  // more than MPI sends without the receiver's consent
    t.send(std::span(data), t.rank(), kData);
    std::vector<int> back(data.size());
    t.receive(std::span(back), t.rank(), kData);
    EXPECT_EQ(back, data);
  });
}

TEST_P(TransportTest, PostedMessagesOutliveTheirSourceAndDrain) {
  run([](Transport& t) {
    constexpr std::size_t kLong = 300'000;
    for (int to = 0; to < t.size(); ++to) {
      std::vector<int> data = numbers(t.rank() + to, kLong);
      t.post(std::span(data), to, kData);
      std::fill(data.begin(), data.end(), -1);  // the transport must have its own copy
    }
    for (int from = 0; from < t.size(); ++from) {
      std::vector<int> data(kLong);
      t.receive(std::span(data), from, kData);
      EXPECT_EQ(data, numbers(from + t.rank(), kLong));
    }
    t.flush();
    t.barrier();
  });
}

struct Report {
  int rank;
  int step;
};

TEST_P(TransportTest, ReceiveAnyTellsTheSourceAndKeepsEachSourcesOrder) {
  run([](Transport& t) {
    constexpr int kSteps = 20;
    for (int step = 0; step < kSteps; ++step) {
      const Report report{t.rank(), step};
      t.post(std::span(&report, 1), 0, kProgress);
    }
    if (t.rank() == 0) {
      std::vector<int> next(static_cast<std::size_t>(t.size()), 0);
      for (int i = 0; i < kSteps * t.size(); ++i) {
        const auto received = t.receive_any<Report>(kProgress);
        EXPECT_EQ(received.source, received.value.rank);
        EXPECT_EQ(received.value.step, next.at(static_cast<std::size_t>(received.source))++);
      }
      EXPECT_EQ(next, std::vector<int>(next.size(), kSteps));
    }
    t.flush();
    t.barrier();
    EXPECT_FALSE(t.try_receive_any<Report>(kProgress).has_value());
  });
}

TEST_P(TransportTest, TryReceiveAnyDoesNotWaitAndLooksAtTheTag) {
  run([](Transport& t) {
    EXPECT_FALSE(t.try_receive_any<int>(kProgress).has_value());
    t.barrier();
    const int value = 42;
    t.post(std::span(&value, 1), t.rank(), kData);
    EXPECT_FALSE(t.try_receive_any<int>(kProgress).has_value());
    EXPECT_EQ(t.receive_any<int>(kData).value, 42);
    t.barrier();
  });
}

TEST_P(TransportTest, BarrierHoldsUntilTheLastRankComes) {
  run([](Transport& t) {
    // The last rank's message is sent before its barrier, so after the barrier rank 0 must find it without waiting long.
    const int value = 1;
    if (t.rank() == t.size() - 1) t.send(std::span(&value, 1), 0, kData);
    t.barrier();
    if (t.rank() == 0) {
      PatienceScope soon(t, 5.0);
      EXPECT_EQ(t.receive_any<int>(kData).source, t.size() - 1);
    }
  });
}

}  // namespace
}  // namespace larimar::comm

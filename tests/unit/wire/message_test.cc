#include "common/wire/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/random.h"
#include "common/wire/job_message.h"

namespace larimar::wire {
namespace {

ReadHeader candidates_header() {
  return {.kind = ReadKind::kCandidates, .shard = {2}, .rows = 2, .columns = 1, .step = 8};
}

TEST(Message, PacksAndUnpacksTheSame) {
  const std::vector<Candidate> records{{1.5F, {3}, {4}}, kAbsent};
  const std::vector<float> floats{0.25F, -1.0F, 3.0F};
  const auto bytes = pack<Candidate>(candidates_header(), records, floats);
  EXPECT_EQ(bytes.size(), message_bytes<Candidate>(2, 3));
  // One byte off: nothing may rely on the alignment of what arrived.
  std::vector<std::byte> shifted(bytes.size() + 1);
  std::ranges::copy(bytes, shifted.begin() + 1);
  const auto message = unpack<Candidate>(std::span(shifted).subspan(1), candidates_header(), 2, 3);
  EXPECT_EQ(message.header, candidates_header());
  EXPECT_EQ(message.records, records);
  EXPECT_EQ(message.floats, floats);
}

TEST(Message, AMessageOfNothingHasAHeader) {
  ReadHeader header = candidates_header();
  header.rows = 0;
  const auto bytes = pack<Candidate>(header, {}, {});
  EXPECT_EQ(bytes.size(), sizeof(ReadHeader));
  EXPECT_TRUE(unpack<Candidate>(bytes, header, 0, 0).records.empty());
}

TEST(Message, EveryOtherLengthIsRefused) {
  const std::vector<Candidate> records(2);
  const std::vector<float> floats(3);
  const auto bytes = pack<Candidate>(candidates_header(), records, floats);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(static_cast<void>(unpack<Candidate>(std::span(bytes).first(size), candidates_header(), 2, 3)),
                 base::CommError)
        << size;
  }
  auto longer = bytes;
  longer.push_back({});
  EXPECT_THROW(static_cast<void>(unpack<Candidate>(longer, candidates_header(), 2, 3)), base::CommError);
  EXPECT_THROW(static_cast<void>(unpack<Candidate>(bytes, candidates_header(), 2, 4)), base::CommError);
}

TEST(Message, AnotherReadsHeaderIsRefused) {
  const auto bytes = pack<Candidate>(candidates_header(), std::vector<Candidate>(2), {});
  ReadHeader expected = candidates_header();
  expected.step = 9;
  EXPECT_THROW(static_cast<void>(unpack<Candidate>(bytes, expected, 2, 0)), base::CommError);
}

TEST(JobMessage, TravelsUnchanged) {
  const JobMessage job{{"a b.txt", "/dir/\u4e2d.txt", "caf\xE9.txt", ""}, "sentence", 1'000'000'000'000, false};
  const JobMessage found = job_from_bytes(to_bytes(job));
  EXPECT_EQ(found.context, job.context);
  EXPECT_EQ(found.key_mode, job.key_mode);
  EXPECT_EQ(found.queries, job.queries);
  EXPECT_FALSE(found.stop);
  EXPECT_TRUE(job_from_bytes(to_bytes({{}, "", 0, true})).stop);
}

TEST(JobMessage, GarbageIsRefusedOrReadButNeverCrashes) {
  const std::string good = to_bytes({{"context.txt", "more.txt"}, "segment", 5, false});
  EXPECT_THROW(static_cast<void>(job_from_bytes("no such message")), base::CommError);
  EXPECT_THROW(static_cast<void>(job_from_bytes(good.substr(0, good.size() / 2 - 1))), base::CommError);
  base::Random random(4);
  int refused = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bad = good;
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes)
      bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    bad.resize(random.below(bad.size() + 1));
    try {
      static_cast<void>(job_from_bytes(bad));
    } catch (const base::CommError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace larimar::wire

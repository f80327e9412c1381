#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "common/base/error.h"
#include "launch/doctor/finding.h"
#include "launch/doctor/machine.h"

namespace larimar::launch::doctor {
namespace {

using testing::HasSubstr;
using testing::Not;

const Finding kFine{"clock", State::kGood, "0.1 ms", "", ""};
const Finding kSlow{"fsync", State::kWarning, "2 s", "take another disk", ""};
const Finding kBroken{"folder", State::kBad, "absent", "make it", "host a"};

TEST(Findings, DecideTheExitCode) {
  EXPECT_EQ(exit_code_of({kFine, {"x", State::kNote, "", "", ""}}), 0);
  EXPECT_EQ(exit_code_of({kFine, kSlow}), 3);
  EXPECT_EQ(exit_code_of({kSlow, kBroken, kFine}), 78);
  EXPECT_EQ(verdict_of({kFine}), "ready");
  EXPECT_EQ(verdict_of({kSlow, kSlow}), "ready, with 2 warnings");
  EXPECT_EQ(verdict_of({kSlow, kBroken}), "not ready: 1 check failed");
}

TEST(Gpu, IsGoodOnlyWhereLibTorchCanUseIt) {
  const Finding none = judge_gpu({0, "", {}});
  EXPECT_EQ(none.state, State::kGood);
  EXPECT_THAT(none.found, HasSubstr("CPU"));
  const Finding good = judge_gpu({2, "550.54", {.devices = 2}});
  EXPECT_EQ(good.state, State::kGood);
  EXPECT_EQ(good.found, "2 NVIDIA devices, driver 550.54; LibTorch can use 2");
  const Finding unusable = judge_gpu({2, "550.54", {0, "libcudnn.so.9 cannot be opened"}});
  EXPECT_EQ(unusable.state, State::kWarning);
  EXPECT_THAT(unusable.advice, HasSubstr("libcudnn.so.9 cannot be opened"));
  EXPECT_THAT(judge_gpu({0, "550.54", {}}).advice, HasSubstr("without a device"));
  EXPECT_THAT(judge_gpu({1, "", {}}).found, HasSubstr("driver absent"));
}

TEST(Findings, TravelAsJson) {
  const std::vector<Finding> sent{kFine, kSlow, kBroken};
  const std::vector<Finding> back = findings_from_json(to_json(sent).dump());
  ASSERT_EQ(back.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(back[i].check, sent[i].check);
    EXPECT_EQ(back[i].state, sent[i].state);
    EXPECT_EQ(back[i].found, sent[i].found);
    EXPECT_EQ(back[i].advice, sent[i].advice);
    EXPECT_EQ(back[i].where, sent[i].where);
  }
  for (const char* bad :
       {"", "{", R"([{"check": 1}])", R"([{"check":"a","state":"fine","found":"","advice":"","where":""}])"})
    EXPECT_THROW(findings_from_json(bad), base::FormatError) << bad;
}

TEST(Findings, OfRanksAreJoinedWhereTheyAreEqual) {
  const auto all = join_ranks({{kFine, kSlow}, {kFine, kSlow}, {kFine, kBroken}});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].where, "") << "all ranks have it";
  EXPECT_EQ(all[1].where, "ranks 0-1");
  EXPECT_EQ(all[2].where, "host a") << "what names a host keeps it";
}

TEST(Findings, AreATableWithAdvice) {
  std::ostringstream out;
  print_table(out, {kFine, kBroken, {"job", State::kGood, "x", "", kJob}});
  EXPECT_THAT(out.str(), HasSubstr("clock   ok       0.1 ms\n"));
  EXPECT_THAT(out.str(), HasSubstr("folder  BAD      absent  (host a)\n        -> make it\n"));
  EXPECT_THAT(out.str(), Not(HasSubstr("(job)")));
}

class Tmpdir : public testing::Test {
 protected:
  ~Tmpdir() override { ::unsetenv("TMPDIR"); }
  static Finding with(const std::string& folder) {
    ::setenv("TMPDIR", folder.c_str(), 1);
    return look_at_temporary_folder();
  }
};

TEST_F(Tmpdir, MustBeThereAndIsBetterShort) {
  EXPECT_NE(with("/tmp").state, State::kBad);
  EXPECT_EQ(with("/tmp/larimar-is-not-there").state, State::kWarning);
  EXPECT_EQ(with("/proc/none").state, State::kBad);
  EXPECT_EQ(with("/dev/null").state, State::kBad);
  const Finding lengthy = with("/tmp/./././././././././././././././././././././././././././././././././.");
  EXPECT_EQ(lengthy.state, State::kNote) << lengthy.found;
  EXPECT_THAT(lengthy.advice, HasSubstr("107 bytes"));
}

TEST(Machine, IsDescribed) {
  const auto findings = look_at_host("here", 2);
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_THAT(findings[0].found, HasSubstr("cores"));
  EXPECT_THAT(findings[1].found, HasSubstr("for each rank"));
  for (const Finding& one : findings) EXPECT_EQ(one.where, "host here");
}

TEST(Machine, MemoryForTooManyRanksIsAWarning) {
  const auto findings = look_at_host("here", 1000000);
  EXPECT_EQ(findings[1].state, State::kWarning);
  EXPECT_THAT(findings[1].advice, HasSubstr("fewer ranks"));
}

}  // namespace
}  // namespace larimar::launch::doctor

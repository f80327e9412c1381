// GoogleTest's main for programs started by mpirun. All ranks run the same tests in the same order. After each test the
// ranks share their verdicts, so a failure anywhere is a failure everywhere; rank 0 prints for all, except that failures
// of the others are said by themselves at once, in case the job gets no further. A rank that ran no test is a failure too.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/mpi_world.h"

namespace {

using larimar::comm::Transport;

constexpr double kVerdictPatienceSeconds = 40.0;  // below the time-out of a test, above the patience within one

// Not an object of static lifetime: MPICH calls exit() within any MPI call when another rank has aborted, and MPI_Finalize
// from there would enter MPI a second time.
larimar::comm::Environment* environment = nullptr;

class SharedVerdict : public testing::EmptyTestEventListener {
 public:
  explicit SharedVerdict(Transport& transport) : transport_(transport) {}

  void OnTestStart(const testing::TestInfo& test) override {
    failed_here_ = 0;
    transport_.set_phase(std::string(test.test_suite_name()) + "." + test.name());
  }

  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (!part.failed()) return;
    failed_here_ = 1;
    if (transport_.rank() == 0) return;  // GoogleTest's own printer speaks there
    std::fprintf(stderr, "[rank %d of %d] %s:%d: %s\n", transport_.rank(), transport_.size(),
                 part.file_name() != nullptr ? part.file_name() : "?", part.line_number(), part.message());
    std::fflush(stderr);
  }

  void OnTestEnd(const testing::TestInfo&) override {
    const int failed_before = failed_here_;
    const std::vector<int> failed = gather(failed_before);
    std::string ranks;
    for (std::size_t r = 0; r < failed.size(); ++r) {
      if (failed[r] != 0) ranks += " " + std::to_string(r);
    }
    if (failed_before == 0 && !ranks.empty()) ADD_FAILURE() << "failed on rank(s)" << ranks;
  }

  // Ends the job if another rank does not come: it may be stuck in the test that this rank has left.
  std::vector<int> gather(int mine) {
    std::vector<int> all;
    try {
      all = transport_.all_gather_one(mine);
    } catch (const larimar::base::Error& error) {
      std::fprintf(stderr, "larimar tests FAILED: %s\n", error.what());
      transport_.abort(error.code());
    }
    return all;
  }

 private:
  Transport& transport_;
  int failed_here_ = 0;
};

void install_listeners(Transport& transport, SharedVerdict* verdict) {
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (transport.rank() != 0) {
    delete listeners.Release(listeners.default_result_printer());
    delete listeners.Release(listeners.default_xml_generator());
    listeners.Append(verdict);
    return;
  }
  // OnTestEnd goes through the listeners backwards: the one that can add failures comes last, so the printers see them.
  testing::TestEventListener* xml = listeners.Release(listeners.default_xml_generator());
  listeners.Append(listeners.Release(listeners.default_result_printer()));
  if (xml != nullptr) listeners.Append(xml);
  listeners.Append(verdict);
}

// Returns the exit code, the same on all ranks.
int run(Transport& transport) {
  transport.set_patience(kVerdictPatienceSeconds);
  auto* verdict = new SharedVerdict(transport);  // GoogleTest deletes it
  install_listeners(transport, verdict);
  const int result = RUN_ALL_TESTS();

  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  const int ran = tests.successful_test_count() + tests.failed_test_count();
  bool passed = true;
  for (const int bad : verdict->gather(result)) passed = passed && bad == 0;
  bool all_ran = true;
  for (const int count : verdict->gather(ran)) all_ran = all_ran && count > 0;
  if (transport.rank() == 0) {
    if (!all_ran) {
      std::printf("larimar tests FAILED: a rank ran no test\n");
    } else {
      std::printf("larimar tests %s on %d ranks\n", passed ? "PASSED" : "FAILED", transport.size());
    }
    std::fflush(stdout);
  }
  return passed && all_ran ? 0 : 1;
}

}  // namespace

const larimar::comm::Environment& larimar::support::mpi_world() { return *environment; }

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();  // needs no ranks
  int code = 1;
  try {
    environment = new larimar::comm::Environment;
    code = run(*environment->make_transport());
  } catch (const larimar::base::Error& error) {
    std::fprintf(stderr, "larimar tests FAILED: %s\n", error.what());
    return static_cast<int>(error.code());
  }
  delete environment;  // here rather than after main, where MPI may already have been unloaded
  return code;
}

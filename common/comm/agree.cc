#include "common/comm/agree.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

namespace larimar::comm {
namespace {

constexpr std::size_t kMaxErrorBytes = std::size_t{1} << 16;

struct Verdict {
  std::int32_t failed = 0;
  std::int32_t code = 0;
};

}  // namespace

void agree(Transport& transport, const base::Error* mine) {
  const Verdict verdict{mine != nullptr ? 1 : 0, mine != nullptr ? static_cast<std::int32_t>(mine->code()) : 0};
  const std::vector<Verdict> verdicts = transport.all_gather_one(verdict);
  const auto failed = std::find_if(verdicts.begin(), verdicts.end(), [](const Verdict& v) { return v.failed != 0; });
  if (failed == verdicts.end()) return;

  const int speaker = static_cast<int>(failed - verdicts.begin());
  std::string text;
  if (speaker == transport.rank()) {
    if (transport.size() > 1) text = "rank " + std::to_string(speaker) + " on " + transport.host() + ": ";
    text += mine->what();
    if (text.size() > kMaxErrorBytes) text.resize(kMaxErrorBytes);
  }
  transport.broadcast_string(text, speaker, kMaxErrorBytes);
  throw AgreedError(static_cast<base::ExitCode>(failed->code), text);
}

std::optional<base::Error> as_error(const std::exception_ptr& exception) {
  if (!exception) return std::nullopt;
  try {
    std::rethrow_exception(exception);
  } catch (const base::CommError&) {
    throw;
  } catch (const base::Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return base::Error(base::ExitCode::kInternal, "out of memory; use more ranks on more machines, or smaller batches");
  } catch (const std::exception& other) {
    return base::Error(base::ExitCode::kInternal, std::string("unexpected failure: ") + other.what());
  } catch (...) {
    return base::Error(base::ExitCode::kInternal, "unexpected failure of unknown kind");
  }
}

}  // namespace larimar::comm

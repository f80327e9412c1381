#include "common/model/in_batches.h"

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/model/devices.h"

namespace larimar::model {

namespace {

std::string first_line(const c10::Error& error) {
  const std::string whole = error.what_without_backtrace();
  return whole.substr(0, whole.find('\n'));
}

}  // namespace

bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const std::string_view what = error.what_without_backtrace();
  return what.find("STATUS_ALLOC_FAILED") != std::string_view::npos ||
         what.find("CUDA error: out of memory") != std::string_view::npos;
}

void with_device_memory(const std::string& what, const std::string& advice, const std::function<void()>& work) {
  try {
    work();
  } catch (const c10::Error& error) {
    if (!is_out_of_memory(error)) throw;
    throw base::ConfigError("the device has no memory for " + what + " (" + first_line(error) + "); " + advice);
  }
}

void take_fewer(const char* what, std::int64_t count, const c10::Error& error) {
  const std::string rows = std::to_string(count) + " " + what;
  if (count > 1) {
    base::log(base::LogLevel::kWarning,
              "the device has no memory for " + rows + " at once; half as many are tried from now on");
    return;
  }
  throw base::ConfigError("the device has no memory for " + rows + " (" + first_line(error) +
                          "); end what else uses the device, put fewer ranks on it, give the language model shorter "
                          "texts with fewer --reads, or choose --dtype bfloat16 or the device cpu");
}

}  // namespace larimar::model

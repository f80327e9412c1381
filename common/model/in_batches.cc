#include "common/model/in_batches.h"

#include <string>

#include "common/base/error.h"
#include "common/base/log.h"

namespace larimar::model {

void take_fewer(const char* what, std::int64_t count, const c10::OutOfMemoryError& error) {
  const std::string rows = std::to_string(count) + " " + what;
  if (count > 1) {
    base::log(base::LogLevel::kWarning,
              "the device has no memory for " + rows + " at once; half as many are tried from now on");
    return;
  }
  const std::string whole = error.what_without_backtrace();
  throw base::ConfigError("the device has no memory for " + rows + " (" + whole.substr(0, whole.find('\n')) +
                          "); end what else uses the device, put fewer ranks on it, give the language model shorter "
                          "texts with fewer --reads, or choose --dtype bfloat16 or the device cpu");
}

}  // namespace larimar::model

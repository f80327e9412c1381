#include "eval/baseline/document_cache.h"

#include <chrono>
#include <system_error>

#include "common/base/error.h"

namespace larimar::eval::baseline {

FileStamp stamp_of(const std::filesystem::path& file) {
  std::error_code failure;
  const std::uintmax_t bytes = std::filesystem::file_size(file, failure);
  if (failure) throw base::MissingInputError("cannot read " + file.string() + ": " + failure.message());
  const auto changed = std::filesystem::last_write_time(file, failure);
  if (failure) throw base::MissingInputError("cannot read " + file.string() + ": " + failure.message());
  return {bytes, std::chrono::duration_cast<std::chrono::nanoseconds>(changed.time_since_epoch()).count()};
}

}  // namespace larimar::eval::baseline

#include "common/wire/job_message.h"

#include "common/base/error.h"
#include "proto/job.pb.h"

namespace larimar::wire {

std::string to_bytes(const JobMessage& message) {
  proto::JobSpec spec;
  for (const auto& path : message.context) spec.add_context(path.string());
  spec.set_key_mode(message.key_mode);
  spec.set_queries(message.queries);
  spec.set_stop(message.stop);
  return spec.SerializeAsString();
}

JobMessage job_from_bytes(const std::string& bytes) {
  proto::JobSpec spec;
  if (!spec.ParseFromString(bytes)) {
    throw base::CommError("the job specification of rank 0 cannot be read; are all ranks the same build?");
  }
  JobMessage message;
  for (const auto& path : spec.context()) message.context.emplace_back(path);
  message.key_mode = spec.key_mode();
  message.queries = spec.queries();
  message.stop = spec.stop();
  return message;
}

}  // namespace larimar::wire

#include "bench/parts/limits.h"
#include "bench/parts/measured.h"
#include "bench/parts/scaling.h"
#include "bench/parts/scan.h"

namespace larimar::bench {

const std::vector<NamedPart>& all_parts() {
  static const std::vector<NamedPart> parts{
      {"limits", "read bandwidth, peak of products, latency of messages", limits_part},
      {"scan", "searches over fp32, bf16 and int8 keys", scan_part},
      {"scaling", "messages, processor time and memory of each rank, for ingest and reads", scaling_part, true},
  };
  return parts;
}

}  // namespace larimar::bench

#include "bench/parts/limits.h"
#include "bench/parts/linear.h"
#include "bench/parts/measured.h"
#include "bench/parts/networks.h"
#include "bench/parts/query.h"
#include "bench/parts/scaling.h"
#include "bench/parts/scan.h"
#include "bench/parts/write.h"

namespace larimar::bench {

const std::vector<NamedPart>& all_parts() {
  static const std::vector<NamedPart> parts{
      {"limits", "read bandwidth, peak of products, latency of messages", limits_part},
      {"scan", "searches over fp32, bf16 and int8 keys", scan_part},
      {"linear", "layers of networks, their weights laid out once", linear_part},
      {"encode", "segments to codes and texts to keys", encode_part},
      {"write", "codes into the memory, keys into the stores of a scan, and both onto the disk", write_part},
      {"decode", "codes back to text, and tokens of the language model", decode_part},
      {"query", "the memory's part of a query at 100K, 1M and 10M tokens", query_part, true},
      {"scaling", "messages, processor time and memory of each rank, for ingest and reads", scaling_part, true},
  };
  return parts;
}

}  // namespace larimar::bench

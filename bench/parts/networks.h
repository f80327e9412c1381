#pragma once
// Encoders and decoders that are installed, beside the limits of the machine. A network whose folder is not there is left out, with a line that says so.
#include "bench/parts/measured.h"

namespace larimar::bench {

/// Part "encode": codes and MiniLM keys in floats and in integers; the share of sgemm is that of their linear layers alone.
/// Throws what loading throws.
[[nodiscard]] std::vector<Measured> encode_part(comm::Transport& transport, const BenchOptions& options);

/// Part "decode": codes back to text, by larimar-compact's decoder and by the injection of larimar-smol, and tokens of the language model,
/// for batches of 1 and more. Where one text is said token by token every weight is read for each, so memory is the limit; else sgemm is.
[[nodiscard]] std::vector<Measured> decode_part(comm::Transport& transport, const BenchOptions& options);

}  // namespace larimar::bench

#pragma once
// How much a memory holds: N facts are written into K slots, read back, and some of them forgotten.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/model/encoders.h"
#include "eval/capacity_facts.h"
#include "eval/capacity_memory.h"
#include "eval/score.h"

namespace larimar::eval {

struct CapacityOptions {
  std::vector<linalg::Index> slots{128, 256, 512, 1024};                  // K, each >= 1
  std::vector<linalg::Index> facts{64, 128, 256, 512, 1024, 2048, 4096};  // N, each >= 1
  linalg::Index trials = 64;   // single facts forgotten in a cell, each from the whole memory
  linalg::Index retained = 8;  // other facts read after each of these
  std::uint64_t seed = 1;      // of key memories and of what is forgotten
};

/// One measure of one cell. Measures:
///   identified   of all N codes the one with the greatest cosine to z_read is the fact's own
///   recalled     identified, and that cosine is at least kRecallCosine
///   exact        |z_read - z| <= kExactError |z|
///   decoded      recalled, and the decoder makes the fact's text of z_read, token for token; of facts where it does so from z
///   forgotten, retained              recalled, after one fact was forgotten: that fact; some of the others
///   forgotten_decoded, retained_decoded   decoded, after one fact was forgotten
///   forgotten_tenth, retained_tenth  the same after a tenth of the facts (at least one) was forgotten at once: all of them
struct CapacityRow {
  std::string source{};     // of the facts
  std::string keys{};       // "code", "sentence"; empty if all are meant
  std::string memory{};     // name_of(MemoryKind); empty if all are meant
  linalg::Index slots = 0;  // K; N with stored keys; 0 if all are meant
  linalg::Index facts = 0;  // N
  std::string asked{};      // by the "written" key or that of the "rephrased" text
  std::string measure{};
  Recall recall{};
  std::string status = "measured";  // or "diverged", "left out": then the rest says why
  std::string note{};
};

/// A read is far from nothing and from another code; so that facts that are the nearest of N by chance do not count.
inline constexpr double kRecallCosine = 0.5;
/// Far above the rounding of floats where the solve has condition 10^4, far below what any decoder could tell: 40 dB.
inline constexpr double kExactError = 0.01;

/// The measures of one set of facts over all kinds of memory, K and N. Forgetting is measured at N = K/2, K and 2K, and at
/// each N with stored keys; memories that must be written anew for it get an eighth of the trials. N beyond the facts there
/// are is left out, with a row that says so.
/// `decoder` is used if the set has token ids. `report` is called after each cell with how many of them are done.
/// Calls   local; the same arguments give the same rows.
/// Cost    about sum over cells of K^3 + N K (K + C) + N^2 C flops, forgetting trials K^2 + K C each (K^3 where N < K).
/// Throws  ConfigError for K or N < 1; ShapeError.
[[nodiscard]] std::vector<CapacityRow> measure_capacity(const FactSet& set, const CapacityOptions& options,
                                                        model::CodeDecoder* decoder,
                                                        const std::function<void(std::uint64_t)>& report);

/// Cells that measure_capacity reports for a set with that many kinds of keys.
[[nodiscard]] std::uint64_t count_cells(const CapacityOptions& options, std::size_t key_kinds);

}  // namespace larimar::eval

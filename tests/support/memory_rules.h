#pragma once
// The kinds of memory that tests use, in one line each.
#include <memory>
#include <utility>

#include "common/memory/addresser.h"
#include "common/memory/rules.h"

namespace larimar::support {

inline memory::MemoryRules codebook_rules(memory::Addressing addressing, std::size_t slots,
                                          memory::Solve solve = memory::Solve::kGlobal) {
  memory::MemoryRules rules;
  rules.addressing = addressing;
  rules.key_memory = memory::KeyMemory::kCodebook;
  rules.solve = solve;
  rules.slots = slots;
  rules.aggregation = memory::usual_aggregation(addressing, rules.key_memory, solve);
  return rules;
}

inline std::shared_ptr<const memory::Addresser> addresser_of(linalg::Matrix key_memory,
                                                             const memory::MemoryRules& rules) {
  return std::make_shared<const memory::Addresser>(std::move(key_memory), rules);
}

struct KindOfMemory {
  memory::MemoryRules rules;
  std::shared_ptr<const memory::Addresser> addresser;  // null with stored keys
};

/// One-hot at the nearest of these rows; stored keys if there are none.
struct NearestMemory : KindOfMemory {
  explicit NearestMemory(const linalg::Matrix& codebook) {
    if (codebook.rows() == 0) return;
    rules = codebook_rules(memory::Addressing::kNearest, static_cast<std::size_t>(codebook.rows()));
    addresser = addresser_of(codebook, rules);
  }
};

}  // namespace larimar::support

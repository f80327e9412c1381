#pragma once
// One batch of queries on its way: keys, read, decode. All ranks walk through it together.
#include <functional>
#include <optional>
#include <span>

#include "launch/asking.h"
#include "launch/decoding.h"

namespace larimar::launch {

/// A batch that is to be read, with its keys on rank 0.
struct Next {
  std::span<const coordinator::Query> queries;
  linalg::Matrix keys;
  double seconds = 0;  // that the keys took
};

/// A batch that was read and whose texts are on their way.
struct Reading {
  AnsweredBatch batch;
  std::size_t queries = 0;  // equal on all ranks, the batch's are rank 0's
  std::optional<Decoding> decoding;
};

/// Sources of a query that its answer is made of, or a language model orders.
[[nodiscard]] std::size_t sources_of(const JobSetup& setup);

/// Sizes of the next read of `queries` keys.
[[nodiscard]] wire::ReadPlan next_read(const Asking& asking, std::size_t queries);

/// Keys of the queries, on rank 0; nothing elsewhere. Local.
[[nodiscard]] Next prepare(const Asking& asking, std::span<const coordinator::Query> queries);

/// Reads, and sends the codes to the decoders; `meanwhile` as in exchange_read. Calls: collective.
[[nodiscard]] Reading start_reading(const Asking& asking, const wire::ReadPlan& plan, Next next,
                                    const std::function<void()>& meanwhile = {});

/// This rank's share of the texts, if it decodes. Local.
void decode_here(Reading& reading);

/// The texts on rank 0; with static keys in MiniLM's order. Calls: collective.
[[nodiscard]] AnsweredBatch finish_reading(const Asking& asking, Reading reading);

}  // namespace larimar::launch

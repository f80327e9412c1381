#pragma once
#include <functional>
#include <memory>
#include <string>

#include "common/comm/transport.h"
#include "common/text/tokenizer.h"
#include "train/batches.h"
#include "train/segment_file.h"
#include "train/trainer.h"

namespace larimar::train {

/// What a run learns from and is judged by, mapped read-only on each rank.
struct TrainingData {
  std::unique_ptr<const text::Tokenizer> tokenizer;
  Alphabet alphabet;
  SegmentFile train, valid;
};

/// Rank 0 makes what is missing of the segment files in options.out, which may take long; the others wait and open the same files,
/// so OUT must be on a file system that all ranks see.
/// Calls   collective. Throws what the readers and writers throw, and ConfigError where ranks see different data; with several
///         ranks as an AgreedError on all of them.
[[nodiscard]] TrainingData open_training_data(const TrainOptions& options, comm::Transport& transport,
                                              const std::function<void(const std::string&)>& report);

/// Throws unless all ranks were started with the same options. Calls: collective. Throws AgreedError(kConfig).
void require_same_options(const TrainOptions& options, comm::Transport& transport);

}  // namespace larimar::train

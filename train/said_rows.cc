#include "train/said_rows.h"

#include <torch/torch.h>

#include <algorithm>

namespace larimar::train {

using torch::Tensor;

SaidBatch lay_out(const AdaptedNetwork& language, std::span<const SaidRow> rows) {
  std::vector<Tensor> inputs;
  std::int64_t longest = 0;
  for (const SaidRow& row : rows) {
    std::vector<Tensor> parts = row.read;
    const Tensor& first = parts.front();
    // The last token is only foretold.
    const std::vector<std::int64_t> ids(row.saying->tokens.begin(), row.saying->tokens.end() - 1);
    parts.push_back(language.embed(torch::tensor(ids).to(first.device())));
    for (Tensor& part : parts) part = part.to(parts.back().scalar_type());
    inputs.push_back(torch::cat(parts, 0));
    longest = std::max(longest, inputs.back().size(0));
  }
  SaidBatch batch;
  std::vector<std::int64_t> columns, targets;
  std::vector<std::uint8_t> said;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [tokens, answer] = *rows[i].saying;
    const std::int64_t end = static_cast<std::int64_t>(i) * longest + inputs[i].size(0);
    for (std::size_t at = 1; at < tokens.size(); ++at) {
      columns.push_back(end - static_cast<std::int64_t>(tokens.size() - at));
      targets.push_back(tokens[at]);
      said.push_back(at >= answer ? 1 : 0);
    }
    batch.row_ends.push_back(static_cast<std::int64_t>(targets.size()));
    inputs[i] = torch::constant_pad_nd(inputs[i], {0, 0, 0, longest - inputs[i].size(0)});
  }
  batch.input = torch::stack(inputs);
  const auto device = batch.input.device();
  batch.columns = torch::tensor(columns).to(device);
  batch.targets = torch::tensor(targets).to(device);
  batch.said = torch::tensor(said, torch::kUInt8).to(device, torch::kBool);
  return batch;
}

Tensor scores_of(AdaptedNetwork& language, const SaidBatch& batch, bool adapted) {
  return language.logits(language.hidden(batch.input, adapted).flatten(0, 1).index_select(0, batch.columns));
}

}  // namespace larimar::train

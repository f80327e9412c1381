#include "train/answer_loss.h"

#include <torch/torch.h>

#include <functional>
#include <map>
#include <vector>

#include "train/said_rows.h"

namespace larimar::train {
namespace {

using torch::Tensor;

Tensor embed(const AdaptedNetwork& language, const std::vector<text::TokenId>& tokens, const torch::Device& device) {
  const std::vector<std::int64_t> ids(tokens.begin(), tokens.end());
  return language.embed(torch::tensor(ids).to(device));
}

/// Positions [L, hidden] of each note's code. Those with as many groups are made together.
std::vector<Tensor> positions_of(const ReadingNetworks& networks, std::span<const Question* const> notes,
                                 const model::CompactConfig& sizes, const Disturbance& disturbance,
                                 base::Random& random) {
  auto codes = networks.codes;
  auto injection = networks.injection;
  const auto device = injection->from_latent->weight.device();
  std::map<std::size_t, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < notes.size(); ++i)
    alike[notes[i]->pieces.size() / static_cast<std::size_t>(injection->config.group())].push_back(i);
  std::vector<Tensor> positions(notes.size());
  for (const auto& [groups, members] : alike) {
    std::vector<std::vector<std::uint16_t>> texts;
    for (const std::size_t i : members) texts.push_back(notes[i]->pieces);
    Tensor clean;
    {
      torch::NoGradGuard guard;
      clean = codes->encoder->forward(pad_batch(texts, sizes).to(device));
    }
    const Tensor scores =  // of the text and its end
        injection->scores(disturb(clean, disturbance, random), static_cast<std::int64_t>(groups) + 1);
    const Tensor made = injection->positions_of(scores);
    for (std::size_t i = 0; i < members.size(); ++i) positions[members[i]] = made[static_cast<std::int64_t>(i)];
  }
  return positions;
}

/// log p of the tokens behind the notes, [n, vocabulary]; `embedding_of(i)`: [columns, hidden] of the i-th of all notes.
struct Expected {
  SaidBatch batch;
  Tensor logs;
};
Expected expect(AdaptedNetwork& language, const QuestionFile& questions, std::span<const Prompt> prompts,
                const torch::Device& device, bool adapted, const std::function<Tensor(std::size_t)>& embedding_of) {
  std::vector<SaidRow> rows;
  std::size_t number = 0;
  for (const Prompt& prompt : prompts) {
    SaidRow& row = rows.emplace_back(SaidRow{{embed(language, questions.before(), device)}, &prompt.asked->saying});
    for (std::size_t i = 0; i < prompt.notes.size(); ++i) {
      if (i > 0) row.read.push_back(embed(language, questions.between(), device));
      row.read.push_back(embedding_of(number++));
    }
  }
  const SaidBatch batch = lay_out(language, rows);
  return {batch, torch::log_softmax(scores_of(language, batch, adapted).to(torch::kFloat32), -1)};
}

}  // namespace

Tensor answer_loss(const ReadingNetworks& networks, const QuestionFile& questions, std::span<const Prompt> prompts,
                   const model::CompactConfig& sizes, const Disturbance& disturbance, base::Random& random) {
  std::vector<const Question*> notes;
  for (const Prompt& prompt : prompts) notes.insert(notes.end(), prompt.notes.begin(), prompt.notes.end());
  const std::vector<Tensor> positions = positions_of(networks, notes, sizes, disturbance, random);
  AdaptedNetwork& language = *networks.language;
  const auto device = positions.front().device();
  const auto [batch, logs] = expect(language, questions, prompts, device, true, [&](auto i) { return positions[i]; });
  Tensor of_text;
  {
    torch::NoGradGuard guard;
    of_text = expect(language, questions, prompts, device, false, [&](auto i) {
                return embed(language, notes[i]->words, device);
              }).logs;
  }
  const Tensor apart = torch::sum(of_text.exp() * (of_text - logs), -1).mean();
  return torch::nll_loss(logs.index({batch.said}), batch.targets.index({batch.said})) + apart;
}

}  // namespace larimar::train

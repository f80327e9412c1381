// The shipped model behind shards: a segment's code has the same bits whoever encodes it, and whatever was encoded before.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "common/model/compact.h"
#include "common/model/model_keys.h"
#include "common/model/runtime.h"
#include "shard/shard_service.h"
#include "tests/support/temporary_text.h"

namespace larimar::shard {
namespace {

/// Code and, as its last number, key score of every segment, by segment.
using Codes = std::map<base::SegmentId, std::vector<float>>;

struct Model {
  explicit Model(const std::filesystem::path& folder)
      : tokenizer(text::load_tokenizer(folder / "tokenizer.json")),
        codes(model::load_compact_encoder(folder)),
        keys(model::make_model_keys(*codes, *tokenizer)) {}
  std::unique_ptr<const text::Tokenizer> tokenizer;
  std::unique_ptr<model::CodeEncoder> codes;
  std::unique_ptr<model::KeyEncoder> keys;
};

Codes codes_of(Model& model, const text::Corpus& corpus, std::size_t shards) {
  Codes all;
  const linalg::Matrix read_key = model.keys->encode(std::vector<std::string>{"The river by night"});
  for (std::size_t s = 0; s < shards; ++s) {
    BlockEncoder encoder(*model.codes, *model.keys, *model.tokenizer, {});
    ShardService service({{static_cast<std::uint32_t>(s)}, shards, encoder.code_size(), encoder.key_size()});
    service.ingest(corpus, {.encoder = encoder}, [](const IngestStats&) {});
    service.write({}, nullptr);
    const ShardMemory& memory = service.memory();
    if (memory.size() == 0) continue;
    for (const wire::Candidate& candidate : memory.read_candidates(read_key, memory.size())) {
      const auto code = memory.code(candidate.slot);
      std::vector<float> row(code.begin(), code.end());
      row.push_back(candidate.score);
      all.emplace(candidate.segment, std::move(row));
    }
  }
  return all;
}

TEST(ShardedCodes, HaveTheSameBitsOnEveryNumberOfShards) {
  const char* source = std::getenv("LARIMAR_SOURCE_DIR");
  const std::filesystem::path folder =
      std::filesystem::path(source != nullptr ? source : ".") / "models" / "larimar-compact";
  if (!std::filesystem::is_regular_file(folder / "model.safetensors"))
    GTEST_SKIP() << "LARIMAR SKIPPED: no trained model in " << folder;
  model::set_threads(1);
  const support::TemporaryText files;
  const text::Corpus corpus(std::vector{files.write("a.txt", support::random_prose(34'000, 1)),
                                        files.write("b.txt", support::random_prose(3'000, 2))});
  Model model(folder);
  const Codes one = codes_of(model, corpus, 1);
  EXPECT_GT(one.size(), 300U);
  for (const std::size_t shards : {2UL, 3UL}) {
    const Codes many = codes_of(model, corpus, shards);
    ASSERT_EQ(many.size(), one.size());
    for (const auto& [segment, expected] : one) {
      ASSERT_TRUE(many.contains(segment));
      EXPECT_EQ(std::memcmp(many.at(segment).data(), expected.data(), expected.size() * sizeof(float)), 0)
          << "segment " << segment.value;
    }
  }
}

}  // namespace
}  // namespace larimar::shard

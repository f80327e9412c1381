#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/text/file_tokenizer.h"
#include "common/text/vocabulary_files.h"

namespace larimar::text {

namespace fs = std::filesystem;

std::unique_ptr<const Tokenizer> load_tokenizer(const fs::path& path) {
  const auto has = [&](const char* name) { return fs::exists(path / name); };
  if (!fs::is_directory(path)) return make_tokenizer(read_json(path), path);
  if (has("tokenizer.json")) return make_tokenizer(read_json(path / "tokenizer.json"), path / "tokenizer.json");
  if (has("vocab.txt")) return make_tokenizer(json_of_bert_files(path), path / "vocab.txt");
  if (has("vocab.json") && has("merges.txt")) return make_tokenizer(json_of_gpt2_files(path), path / "vocab.json");
  throw base::MissingInputError(
      "the folder " + path.string() +
      " holds no tokenizer: neither tokenizer.json, nor vocab.txt, nor vocab.json with merges.txt");
}

}  // namespace larimar::text

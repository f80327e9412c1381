#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/text/byte_bpe.h"
#include "common/text/tokenizer.h"
#include "common/text/word_piece.h"

namespace larimar::text {

std::unique_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  nlohmann::json root;
  try {
    root = nlohmann::json::parse(file.text());
  } catch (const nlohmann::json::parse_error& error) {
    throw base::FormatError(path.string() + " is not JSON at byte " + std::to_string(error.byte));
  }
  const auto model = root.is_object() ? root.find("model") : root.end();
  const nlohmann::json kind =
      model != root.end() && model->is_object() ? model->value("type", nlohmann::json()) : nlohmann::json();
  const std::string type = kind.is_string() ? kind.get<std::string>() : "";
  if (type == "BPE") return std::make_unique<ByteBpeTokenizer>(root, path);
  if (type == "WordPiece") return make_word_piece(root, path);
  throw base::FormatError(path.string() + ": tokenizer model \"" + type +
                          "\" is not known; known are BPE and WordPiece");
}

}  // namespace larimar::text

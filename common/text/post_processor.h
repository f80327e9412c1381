#pragma once
#include <string>
#include <vector>

#include "common/text/json_part.h"
#include "common/text/tokenizer.h"

namespace larimar::text {

/// Special tokens around one text: the "post_processor" of a tokenizer.json. Immutable, thread-safe.
/// Known: none, ByteLevel (adds nothing), TemplateProcessing, BertProcessing, RobertaProcessing and a Sequence of them.
class PostProcessor {
 public:
  /// From the root of the file; `size` is the number of ids. Throws FormatError naming what is not known, or an id that
  /// does not exist.
  PostProcessor(const JsonPart& root, TokenId size);

  [[nodiscard]] std::vector<TokenId> apply(std::vector<TokenId> ids) const;

 private:
  void add(const JsonPart& part, TokenId size);
  void add_template(const JsonPart& part, TokenId size);

  std::vector<TokenId> before_, after_;
};

}  // namespace larimar::text

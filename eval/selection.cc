#include "eval/selection.h"

#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/sentences.h"

namespace larimar::eval {
namespace {

struct Cut {
  std::size_t bytes = 0;
  std::uint64_t tokens = 0;
};

/// The sentence boundary whose distance from the text's start, in tokens, is nearest to `wanted`.
Cut nearest_cut(std::string_view text, std::uint64_t wanted, const TokenCounter& counter) {
  Cut below;
  const std::vector<std::size_t> boundaries = sentence_boundaries(text);
  for (std::size_t i = 1; i < boundaries.size(); ++i) {
    const std::uint64_t tokens = counter.count_text(text.substr(boundaries[i - 1], boundaries[i] - boundaries[i - 1]));
    const Cut above{boundaries[i], below.tokens + tokens};
    if (above.tokens >= wanted) return above.tokens - wanted <= wanted - below.tokens ? above : below;
    below = above;
  }
  return below;
}

[[noreturn]] void too_short(const LengthRequest& request, std::uint64_t tokens) {
  const std::string source = request.supply.filler.empty()
                                 ? "the haystack"
                                 : "the haystack with all of the filler " + request.supply.filler.string();
  throw base::ConfigError("a context of " + std::to_string(request.tokens) + " tokens is wanted but " + source +
                          " has " + std::to_string(tokens) + "; give a smaller length, " +
                          (request.supply.filler.empty() ? "a filler folder" : "more filler") +
                          ", or --beyond repeat to take the haystack again and again");
}

[[noreturn]] void too_small(const LengthRequest& request, const Document& first) {
  throw base::ConfigError("a context of " + std::to_string(request.tokens) +
                          " tokens is shorter than half of the first sentence of " + first.path.string() +
                          "; ask for a greater length");
}

}  // namespace

Selection select_length(const LengthRequest& request, TokenCounter& counter) {
  Supply supply(request.supply, request.folder);
  if (request.tokens == 0) {
    const Haystack& whole = supply.whole();
    if (whole.documents.empty())
      throw base::ConfigError("a generated haystack has no end; give --lengths in tokens instead of 0");
    return {whole, counter.count(whole), whole.documents.back().bytes};
  }
  Selection selection;
  while (selection.tokens < request.tokens) {
    const std::optional<Document> document = supply.next();
    if (!document) too_short(request, selection.tokens);
    const std::uint64_t tokens = counter.count(*document);
    const std::uint64_t missing = request.tokens - selection.tokens;
    if (tokens <= missing) {
      selection.haystack.documents.push_back(*document);
      selection.tokens += tokens;
      selection.last_bytes = document->bytes;
      continue;
    }
    const base::MappedFile file(document->path);
    const Cut cut = nearest_cut(file.text(), missing, counter);
    if (cut.bytes == 0 && !selection.haystack.documents.empty()) break;
    if (cut.bytes == 0) too_small(request, *document);
    const std::filesystem::path path =
        request.folder / "cut" / std::to_string(request.tokens) / document->path.filename();
    write_if_changed(path, file.text().substr(0, cut.bytes));
    selection.haystack.documents.push_back({path, cut.bytes});
    selection.tokens += cut.tokens;
    selection.last_bytes = cut.bytes;
    break;
  }
  return selection;
}

}  // namespace larimar::eval

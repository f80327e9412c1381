#include "common/text/post_processor.h"

namespace larimar::text {
namespace {

TokenId read_id(const JsonPart& part, TokenId size) {
  if (part.count() >= static_cast<std::uint64_t>(size))
    part.refuse("is " + std::to_string(part.count()) + ", but ids end at " + std::to_string(size - 1));
  return static_cast<TokenId>(part.count());
}

TokenId read_named(const JsonPart& part, TokenId size) {  // ["[CLS]", 101]
  const auto items = part.items();
  if (items.size() != 2) part.refuse("is not a pair of a token and its id");
  return read_id(items[1], size);
}

}  // namespace

PostProcessor::PostProcessor(const JsonPart& root, TokenId size) {
  if (root.has("post_processor")) add(root.at("post_processor"), size);
}

void PostProcessor::add(const JsonPart& part, TokenId size) {
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& step : part.at("processors").items()) add(step, size);
  } else if (type == "TemplateProcessing") {
    add_template(part, size);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    before_.insert(before_.begin(), read_named(part.at("cls"), size));
    after_.push_back(read_named(part.at("sep"), size));
  } else if (type != "ByteLevel") {
    part.refuse("has the type \"" + type +
                "\"; known are ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing and Sequence");
  }
}

void PostProcessor::add_template(const JsonPart& part, TokenId size) {
  std::vector<TokenId> before, after;
  int texts = 0;
  for (const JsonPart& piece : part.at("single").items()) {
    if (piece.has("Sequence")) {
      ++texts;
      continue;
    }
    const JsonPart special = part.at("special_tokens").at(piece.at("SpecialToken").at("id").text());
    for (const JsonPart& id : special.at("ids").items()) (texts == 0 ? before : after).push_back(read_id(id, size));
  }
  if (texts != 1) part.at("single").refuse("does not hold the text exactly once");
  before_.insert(before_.begin(), before.begin(), before.end());
  after_.insert(after_.end(), after.begin(), after.end());
}

std::vector<TokenId> PostProcessor::apply(std::vector<TokenId> ids) const {
  ids.insert(ids.begin(), before_.begin(), before_.end());
  ids.insert(ids.end(), after_.begin(), after_.end());
  return ids;
}

}  // namespace larimar::text

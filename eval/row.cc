#include "eval/row.h"

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/base/error.h"

namespace larimar::eval {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

ordered_json to_json(const Citation& citation) {
  return {{"document", citation.document.string()},
          {"byte_begin", citation.byte_begin},
          {"byte_end", citation.byte_end},
          {"line", citation.line},
          {"excerpt", citation.excerpt},
          {"segment", citation.segment},
          {"shard", citation.shard},
          {"weight", citation.weight}};
}

ordered_json own_fields(const Row& row, const std::string& run) {
  ordered_json citations = ordered_json::array();
  for (const Citation& citation : row.answer.citations) citations.push_back(to_json(citation));
  ordered_json own{{"cell", row.cell},
                   {"run", run},
                   {"system", row.system.name},
                   {"kind", row.kind},
                   {"digits", row.digits},
                   {"key_mode", row.system.has_key_modes ? row.key_mode : ""},
                   {"form", row.form},
                   {"expected", row.expected},
                   {"expected_absent", row.wanted == Wanted::kNone},
                   {"expected_any", row.wanted == Wanted::kAny},
                   {"tokenizer", row.system.tokenizer},
                   {"words", row.context.words},
                   {"bytes", row.context.bytes},
                   {"context_xxh3", row.context.xxh3},
                   {"ranks", row.system.ranks},
                   {"retrieval_rank", row.system.retrieves ? ordered_json(row.score.rank) : ordered_json()},
                   {"read_score", row.answer.score},
                   {"margin", row.answer.margin},
                   {"in_scope", row.answer.in_scope},
                   {"decoded", row.answer.decoded},
                   {"citations", std::move(citations)}};
  if (row.system.language.is_object()) own["language"] = row.system.language;
  return own;
}

ordered_json details_of(const Row& row) {
  const auto of_retrieval = [&](auto value) { return row.system.retrieves ? ordered_json(value) : ordered_json(); };
  return {{"retrieval_first", of_retrieval(row.score.retrieval_first)},
          {"retrieval_any", of_retrieval(row.score.retrieval_any)},
          {"wording", row.score.wording},
          {"wording_any", row.score.wording_any},
          {"value_any", row.score.value_any},
          {"evidence_read", of_retrieval(row.score.evidence_read)}};
}

ordered_json to_json(const std::optional<Usage>& usage) {
  if (!usage) return nullptr;
  return {{"prompt_tokens", usage->prompt_tokens},
          {"completion_tokens", usage->completion_tokens},
          {"truncated", usage->truncated}};
}

/// Strings as one: a single one as it is.
std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

ordered_json recipe_of(const Row& row) {
  ordered_json recipe = row.recipe.is_object() ? row.recipe : ordered_json::object();
  recipe["final_context_token_count"] = row.context.tokens;
  return recipe;
}

template <class T>
T field(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw base::FormatError(std::string("the field \"") + name + "\" is missing");
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    throw base::FormatError(std::string("the field \"") + name + "\" is of the wrong kind");
  }
}

}  // namespace

ordered_json to_json(const Row& row, const std::string& run) {
  return {{"schema_version", 2},
          {"run_name", row.system.run_name},
          {"model_id", row.system.model},
          {"task_type", row.kind},
          {"context_length", row.context_length},
          {"target_depth_percent", row.depth},
          {"seed", row.seed},
          {"recipe", recipe_of(row)},
          {"expected_answer", joined(row.expected)},
          {"prompt_question", row.prompt},
          {"response", row.answer.answer},
          {"score", {{"value", row.score.value}, {"details", details_of(row)}}},
          {"usage", to_json(row.answer.usage)},
          {"cost_usd", nullptr},
          {"duration_seconds", row.seconds},
          {"status", "ok"},
          {"timestamp_utc", utc_now()},
          {"larimar", own_fields(row, run)}};
}

Row read_row(const json& object) {
  Row row;
  row.context_length = field<std::uint64_t>(object, "context_length");
  row.depth = field<double>(object, "target_depth_percent");
  row.seed = field<std::uint64_t>(object, "seed");
  row.context.tokens = field<std::uint64_t>(field<json>(object, "recipe"), "final_context_token_count");
  row.prompt = field<std::string>(object, "prompt_question");
  row.seconds = field<double>(object, "duration_seconds");
  const json score = field<json>(object, "score"), details = field<json>(score, "details");
  row.score.value = field<double>(score, "value");
  const json own = field<json>(object, "larimar");
  row.system.retrieves = !field<json>(details, "retrieval_first").is_null();
  if (row.system.retrieves) {
    row.score.retrieval_first = field<bool>(details, "retrieval_first");
    row.score.retrieval_any = field<bool>(details, "retrieval_any");
    row.score.rank = field<std::size_t>(own, "retrieval_rank");
  }
  row.score.wording = field<bool>(details, "wording");
  row.score.wording_any = field<bool>(details, "wording_any");
  row.run = own.value("run", std::string());
  row.cell = field<std::string>(own, "cell");
  row.kind = field<std::string>(own, "kind");
  row.digits = field<int>(own, "digits");
  row.key_mode = field<std::string>(own, "key_mode");
  row.form = field<std::string>(own, "form");
  // Rows of earlier versions lack these.
  row.system.name = own.value("system", row.system.name);
  row.expected = own.value("expected", std::vector{field<std::string>(object, "expected_answer")});
  row.context.words = own.value("words", std::uint64_t{0});
  row.context.bytes = own.value("bytes", std::uint64_t{0});
  row.context.xxh3 = own.value("context_xxh3", std::string());
  row.answer.answer = object.value("response", std::string());
  return row;
}

}  // namespace larimar::eval

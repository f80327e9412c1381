#include "eval/setup.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/random.h"

namespace larimar::eval {
namespace {

using nlohmann::json;

std::string hex(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

json describe_haystack(const Haystack& haystack) {
  std::string names_and_hashes;
  for (const Document& document : haystack.documents) {
    names_and_hashes +=
        document.path.filename().string() + " " + hex(hash_text(base::MappedFile(document.path).text())) + "\n";
  }
  return {{"documents", haystack.documents.size()},
          {"bytes", haystack.bytes()},
          {"hash", hex(hash_text(names_and_hashes))}};
}

json describe_filler(const std::filesystem::path& folder) {
  if (folder.empty()) return nullptr;
  json files = json::object();
  for (const Document& document : list_haystack(folder).documents)
    files[document.path.filename().string()] = document.bytes;
  return files;
}

}  // namespace

json describe_setup(const EvalSetup& setup) {
  json description{
      {"filler", describe_filler(setup.filler)}, {"tokenizer_size", setup.tokenizer->size()}, {"system", setup.system}};
  // Ready documents need no haystack.
  if (parse_generator(setup.haystack.string())) {
    description["haystack"] = setup.haystack.string();
  } else {
    description["haystack"] = setup.haystack.empty() ? json() : describe_haystack(list_haystack(setup.haystack));
  }
  // Only where they differ from what folders of earlier versions were made with.
  if (setup.repeat) description["beyond"] = "repeat";
  if (setup.piece_bytes > 0) description["piece_bytes"] = setup.piece_bytes;
  if (setup.row_system.name != "larimar") description["system_name"] = setup.row_system.name;
  if (!setup.run_file.empty()) description["run_file"] = setup.run_file;
  return description;
}

std::vector<Selection> select_lengths(const EvalSetup& setup, const std::vector<std::uint64_t>& lengths) {
  TokenCounter counter(*setup.tokenizer);
  std::vector<Selection> selections;
  for (const std::uint64_t tokens : lengths) {
    selections.push_back(select_length({tokens, setup.supply(), setup.out / "contexts"}, counter));
  }
  return selections;
}

void check_choices(const std::string& axis, const std::vector<std::string>& values,
                   const std::vector<std::string>& allowed) {
  if (values.empty()) throw base::UsageError("the evaluation needs at least one " + axis);
  for (const std::string& value : values) {
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) continue;
    std::string known;
    for (const std::string& name : allowed) known += (known.empty() ? "" : ", ") + name;
    throw base::UsageError(axis + " \"" + value + "\" is none of " + known);
  }
}

std::string length_label(std::uint64_t tokens) { return std::string(1, 'L').append(std::to_string(tokens)); }

TaskQuery query_for(const Needle& needle, const std::string& form, std::size_t plant) {
  const bool prefix = form == "prefix";
  TaskQuery query;
  query.form = form;
  query.prompt = prefix ? needle.prefix : needle.question;
  query.expected = {prefix ? needle.prefix_answer : needle.answer};
  query.evidence = {plant};
  return query;
}

void ask_rows(Trial trial, std::vector<Row> rows, const EvalSetup& setup, const AskFunction& ask, ResultLog& log) {
  for (const Row& row : rows) {
    const bool by_prefix = row.form == "prefix";
    trial.queries.push_back({row.cell, by_prefix ? row.prompt : "", by_prefix ? "" : row.prompt});
  }
  const base::Stopwatch watch;
  std::unordered_map<std::string, Answer> answers;
  for (Answer& answer : ask(trial)) answers[answer.id] = std::move(answer);
  const double seconds = watch.seconds();
  for (Row& row : rows) {
    const auto found = answers.find(row.cell);
    if (found == answers.end()) {
      throw base::Error(base::ExitCode::kInternal,
                        "trial " + trial.name + ": no answer came for the query " + row.cell);
    }
    row.answer = std::move(found->second);
    row.seconds = seconds;
    row.key_mode = trial.key_mode;
    row.system = setup.row_system;
    row.score = score_answer(row.answer, {row.placed, row.expected, row.whole_words, row.wanted});
    log.append(row);
  }
}

}  // namespace larimar::eval

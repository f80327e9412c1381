#include "eval/export.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/json_lines.h"
#include "eval/row.h"
#include "eval/setup.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// Texts of files by name, written together at the end.
using Files = std::map<std::string, std::string>;

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (const std::string& text : texts) result += (result.empty() ? "" : "; ") + text;
  return result;
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

void add_csv(Files& files, const Row& row) {
  std::string& text = files["results.csv"];
  if (text.empty()) {
    text =
        "system,kind,digits,context_length,context_tokens,depth_percent,seed,key_mode,form,score,retrieval_first,"
        "retrieval_any,"
        "wording,wording_any,duration_seconds,expected,prompt,response\n";
  }
  const auto of_retrieval = [&](bool hit) { return !row.system.retrieves ? "" : hit ? "1" : "0"; };
  const std::vector<std::string> fields = {row.system.name,
                                           row.kind,
                                           std::to_string(row.digits),
                                           std::to_string(row.context_length),
                                           std::to_string(row.context.tokens),
                                           number(row.depth),
                                           std::to_string(row.seed),
                                           row.key_mode,
                                           row.form,
                                           number(row.score.value),
                                           of_retrieval(row.score.retrieval_first),
                                           of_retrieval(row.score.retrieval_any),
                                           std::to_string(row.score.wording ? 1 : 0),
                                           std::to_string(row.score.wording_any ? 1 : 0),
                                           number(row.seconds),
                                           joined(row.expected),
                                           row.prompt,
                                           row.answer.answer};
  for (std::size_t i = 0; i < fields.size(); ++i) text += (i == 0 ? "" : ",") + quoted(fields[i]);
  text += "\n";
}

struct Tally {
  double score = 0;
  std::uint64_t rows = 0, nulls = 0;
};

/// RULER's summary: score in percent and empty answers of each task.
class RulerSummary {
 public:
  void add(const Row& row) {
    Tally& tally = tallies_[std::to_string(row.context_length)][row.kind];
    ++tally.rows;
    tally.score += row.score.value;
    tally.nulls += row.answer.answer.empty() ? 1U : 0U;
  }
  void write(Files& files) const {
    for (const auto& [length, kinds] : tallies_) {
      std::string tasks = "Tasks", scores = "Score", nulls = "Nulls";
      for (const auto& [kind, tally] : kinds) {
        std::array<char, 32> score{};
        std::snprintf(score.data(), score.size(), "%.2f", 100 * tally.score / static_cast<double>(tally.rows));
        tasks += "," + quoted(kind);
        scores += std::string(",") + score.data();
        nulls += "," + std::to_string(tally.nulls) + "/" + std::to_string(tally.rows);
      }
      files[length + "/pred/summary.csv"] = tasks + "\n" + scores + "\n" + nulls + "\n";
    }
  }

 private:
  std::map<std::string, std::map<std::string, Tally>> tallies_;
};

std::string file_name(const std::string& text) {
  std::string name = text;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '.') c = '_';
  }
  return name;
}

ordered_json niah1(const Row& row, const json& object) {
  std::string needle;
  const json& recipe = object.at("recipe");
  if (recipe.contains("needle_placements")) {
    for (const json& placement : recipe["needle_placements"])
      needle += (needle.empty() ? "" : " ") + placement.value("needle", std::string());
  }
  return {{"model", object.value("model_id", row.system.name)},
          {"context_length", row.context_length},
          {"depth_percent", row.depth},
          {"version", 1},
          {"needle", needle},
          {"model_response", row.answer.answer},
          {"score", 1 + 9 * row.score.value},
          {"test_duration_seconds", row.seconds},
          {"test_timestamp_utc", object.value("timestamp_utc", std::string())}};
}

void add_line(Files& files, const std::string& format, const Row& row, const json& object, std::size_t index) {
  const std::string kind = file_name(row.kind);
  ordered_json line;
  if (format == "ruler") {
    line = {{"index", index},
            {"input", row.prompt},
            {"outputs", row.expected},
            {"pred", row.answer.answer},
            {"others", {{"id", row.cell}}},
            {"length", row.context.tokens}};
    files[std::to_string(row.context_length) + "/pred/" + kind + ".jsonl"] += line.dump() + "\n";
  } else if (format == "infinitebench") {
    line = {{"id", index}, {"prediction", row.answer.answer}, {"ground_truth", row.expected}};
    files[kind + ".jsonl"] += line.dump() + "\n";
  } else if (format == "longbench") {
    line = {{"_id", row.cell},     {"input", row.prompt},      {"answers", row.expected}, {"length", row.context.words},
            {"dataset", row.kind}, {"pred", row.answer.answer}};
    files[kind + ".jsonl"] += line.dump() + "\n";
  } else {
    files[file_name(row.cell) + ".json"] = niah1(row, object).dump(2) + "\n";
  }
}

}  // namespace

std::size_t export_results(const fs::path& out, const std::string& format, const fs::path& target) {
  check_choices("format", {format}, {"csv", "ruler", "infinitebench", "longbench", "niah1"});
  Files files;
  RulerSummary summary;
  std::size_t rows = 0;
  for_each_object(out / "results.jsonl", [&](const json& object, std::size_t) {
    const Row row = read_row(object);
    if (format == "csv") {
      add_csv(files, row);
    } else {
      add_line(files, format, row, object, rows);
    }
    if (format == "ruler") summary.add(row);
    ++rows;
  });
  summary.write(files);
  for (const auto& [name, text] : files) {
    base::make_folder((target / name).parent_path());
    base::write_file(target / name, text);
  }
  return rows;
}

}  // namespace larimar::eval

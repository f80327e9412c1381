#include "eval/dataset.h"

#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/haystack.h"
#include "eval/json_lines.h"
#include "eval/random.h"
#include "eval/setup.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Item {
  std::string id;
  std::string kind;
  std::string context;
  std::string question;
  std::vector<std::string> expected;
  std::uint64_t length = 0;
};

std::string as_text(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw base::FormatError(std::string("the field \"") + name + "\" must be there");
  return found->is_string() ? found->get<std::string>() : found->dump();
}

/// RULER's input is a whole prompt: task line, context, and the question behind the last line break.
Item ruler_item(const json& object, const std::string& kind) {
  std::string input = text_field(object, "input");
  while (!input.empty() && (input.back() == '\n' || input.back() == ' ')) input.pop_back();
  const auto end = input.rfind('\n');
  if (end == std::string::npos)
    throw base::FormatError("the field \"input\" has no line break that parts context and question");
  Item item{as_text(object, "index"),       kind, input.substr(0, end + 1), input.substr(end + 1),
            texts_field(object, "outputs"), 0};
  if (object.contains("length") && object["length"].is_number_unsigned()) item.length = object["length"];
  return item;
}

Item infinitebench_item(const json& object, const std::string& kind) {
  return {as_text(object, "id"),         kind, text_field(object, "context"), text_field(object, "input"),
          texts_field(object, "answer"), 0};
}

Item longbench_item(const json& object) {
  return {as_text(object, "_id"),      text_field(object, "dataset"),  text_field(object, "context"),
          text_field(object, "input"), texts_field(object, "answers"), 0};
}

Item read_item(const json& object, const std::string& format, const std::string& kind) {
  Item item = format == "ruler"           ? ruler_item(object, kind)
              : format == "infinitebench" ? infinitebench_item(object, kind)
                                          : longbench_item(object);
  if (item.context.empty()) throw base::FormatError("the context is empty");
  if (item.question.empty()) throw base::FormatError("the question is empty");
  return item;
}

}  // namespace

std::size_t import_dataset(const fs::path& file, const std::string& format, const fs::path& folder) {
  check_choices("format", {format}, {"ruler", "infinitebench", "longbench"});
  std::string lines;
  std::size_t count = 0;
  base::make_folder(folder);
  for_each_object(file, [&](const json& object, std::size_t) {
    const Item item = read_item(object, format, file.stem().string());
    const std::string name = "contexts/" + std::to_string(count) + ".txt";
    write_if_changed(folder / name, item.context);
    // RULER wants all of its strings; the others list alternatives.
    const ordered_json line{{"id", item.id},
                            {"kind", item.kind},
                            {"document", name},
                            {"length", item.length},
                            {"question", item.question},
                            {"expected", item.expected},
                            {"expected_any", format != "ruler"}};
    lines += line.dump() + "\n";
    ++count;
  });
  write_if_changed(folder / "dataset.jsonl", lines);
  return count;
}

Task dataset_task(const fs::path& folder) {
  Task task{"dataset", nullptr, {}};
  const fs::path file = folder / "dataset.jsonl";
  for_each_object(file, [&](const json& object, std::size_t line) {
    TaskTrial trial;
    trial.kind = text_field(object, "kind");
    trial.name = "dataset/" + trial.kind + "/" + std::to_string(line) + "/" + text_field(object, "id");
    trial.document = folder / text_field(object, "document");
    trial.document_length = object.value("length", std::uint64_t{0});
    TaskQuery query;
    query.form = "question";
    query.prompt = text_field(object, "question");
    query.expected = texts_field(object, "expected");
    if (object.value("expected_any", false)) query.wanted = Wanted::kAny;
    trial.queries.push_back(std::move(query));
    task.trials.push_back(std::move(trial));
  });
  task.description = {{"dataset", std::to_string(hash_text(base::read_file(file)))}};
  return task;
}

}  // namespace larimar::eval

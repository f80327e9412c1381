#include "eval/run_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/haystack.h"
#include "eval/setup.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMostValues = 1000000;

/// Reads nodes of one file; every fault is named with its place.
class Reader {
 public:
  explicit Reader(const fs::path& file) : file_(file) {}

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& what) const {
    std::string place = file_.string();
    if (!mark.is_null())
      place += ", line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1);
    throw base::FormatError(place + ": " + what);
  }

  void check_fields(const YAML::Node& map, const std::string& where, std::initializer_list<const char*> known) const {
    if (!map.IsMap()) fail(map.Mark(), where + " must be a map of fields");
    for (const auto& entry : map) {
      const std::string name = scalar(entry.first, "a field's name");
      if (std::ranges::find(known, name) != known.end()) continue;
      std::string list;
      for (const char* one : known) list += std::string(list.empty() ? "" : ", ") + one;
      fail(entry.first.Mark(), where + " has the unknown field \"" + name + "\"; it may have " + list);
    }
  }

  std::string scalar(const YAML::Node& node, const std::string& what) const {
    if (!node.IsScalar()) fail(node.Mark(), what + " must be a single value");
    return node.Scalar();
  }

  template <class T>
  T value(const YAML::Node& node, const std::string& what, const char* kind) const {
    T result{};
    if (!node.IsScalar() || !YAML::convert<T>::decode(node, result)) fail(node.Mark(), what + " must be " + kind);
    return result;
  }
  double number(const YAML::Node& node, const std::string& what) const { return value<double>(node, what, "a number"); }
  std::uint64_t count(const YAML::Node& node, const std::string& what) const {
    const double given = number(node, what);  // 1e6 is a count too
    if (!(given >= 0 && given <= 1e15) || given != std::floor(given))
      fail(node.Mark(), what + " must be a whole number from 0");
    return static_cast<std::uint64_t>(given);
  }
  bool flag(const YAML::Node& node, const std::string& what) const { return value<bool>(node, what, "true or false"); }

  /// Runs `call`; an error about its values gets the node's place.
  template <class Call>
  auto placed(const YAML::Node& node, const Call& call) const {
    try {
      return call();
    } catch (const base::UsageError& error) {
      fail(node.Mark(), error.what());
    }
  }

  /// A list, one value, or {min, max, num, scale}.
  std::vector<double> numbers(const YAML::Node& node, const std::string& what) const {
    std::vector<double> result;
    if (node.IsSequence()) {
      for (const YAML::Node& item : node) result.push_back(number(item, what));
    } else if (node.IsMap()) {
      check_fields(node, what, {"min", "max", "num", "scale"});
      for (const char* field : {"min", "max", "num"}) {
        if (!node[field]) fail(node.Mark(), what + " needs min, max and num");
      }
      const std::uint64_t num = count(node["num"], what + ".num");
      if (num > kMostValues) fail(node["num"].Mark(), what + ".num is too large");
      const std::string scale = node["scale"] ? scalar(node["scale"], what + ".scale") : "linear";
      result = placed(node, [&] {
        return spread(number(node["min"], what + ".min"), number(node["max"], what + ".max"), num, scale);
      });
    } else {
      result.push_back(number(node, what));
    }
    if (result.empty()) fail(node.Mark(), what + " is empty");
    return result;
  }

  std::vector<std::string> texts(const YAML::Node& node, const std::string& what) const {
    if (!node.IsSequence()) return {scalar(node, what)};
    std::vector<std::string> result;
    for (const YAML::Node& item : node) result.push_back(scalar(item, what));
    if (result.empty()) fail(node.Mark(), what + " is empty");
    return result;
  }

  fs::path path(const YAML::Node& node, const std::string& what) const {
    const fs::path given = scalar(node, what);
    if (given.string().empty()) fail(node.Mark(), what + " is empty");
    return given.is_absolute() ? given : file_.parent_path() / given;
  }

 private:
  const fs::path& file_;
};

std::vector<std::uint64_t> read_lengths(const Reader& reader, const YAML::Node& node) {
  std::vector<std::uint64_t> lengths;
  for (const double length : reader.numbers(node, "context_lengths")) {
    if (!(length >= 0 && length <= 1e12)) reader.fail(node.Mark(), "context_lengths must be numbers of tokens from 0");
    lengths.push_back(static_cast<std::uint64_t>(std::llround(length)));
  }
  return lengths;
}

void read_seeds(const Reader& reader, const YAML::Node& node, TaskAxes& axes) {
  if (!node.IsSequence()) {
    axes.seeds = reader.count(node, "seeds");
    if (axes.seeds == 0) reader.fail(node.Mark(), "seeds must be at least 1");
    return;
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    const std::uint64_t seed = reader.count(node[i], "seeds");
    if (i == 0) axes.first_seed = seed;
    if (seed != axes.first_seed + i) reader.fail(node[i].Mark(), "seeds must be whole numbers in a row, as 1, 2, 3");
  }
  axes.seeds = node.size();
  if (axes.seeds == 0) reader.fail(node.Mark(), "seeds is empty");
}

void read_sweep(const Reader& reader, const YAML::Node& node, RunSpec& spec, TaskAxes& axes) {
  reader.check_fields(node, "sweep", {"context_lengths", "depth_percents", "seeds"});
  if (node["context_lengths"]) spec.scope.lengths = read_lengths(reader, node["context_lengths"]);
  if (node["depth_percents"]) {
    axes.depths = reader.numbers(node["depth_percents"], "depth_percents");
    reader.placed(node["depth_percents"], [&] {
      check_axes(axes);
      return 0;
    });
  }
  if (node["seeds"]) read_seeds(reader, node["seeds"], axes);
}

/// "single" is the needle of needlehaystack: San Francisco, unless a needle file is named.
std::string preset_name(const Reader& reader, const YAML::Node& task) {
  if (!task["type"]) reader.fail(task.Mark(), "a task needs its type");
  const std::string type = reader.scalar(task["type"], "type");
  if (type == "single") return task["needles"] ? "needles" : "needle";
  reader.placed(task["type"], [&] {
    check_choices("task type", {type}, kPresets);
    return 0;
  });
  return type;
}

Preset read_task(const Reader& reader, const YAML::Node& task, const TaskAxes& axes) {
  reader.check_fields(task, "a task",
                      {"type", "kinds", "wording", "needles", "keys", "values", "distractors", "words", "hops", "babi",
                       "tasks", "facts", "count", "dataset", "forms"});
  Preset preset;
  preset.axes = axes;
  preset.name = preset_name(reader, task);
  if (task["kinds"]) preset.kinds = reader.texts(task["kinds"], "kinds");
  if (task["wording"]) preset.wording = reader.scalar(task["wording"], "wording");
  if (task["needles"]) preset.needles = reader.path(task["needles"], "needles");
  if (task["keys"]) preset.keys = reader.count(task["keys"], "keys");
  if (task["values"]) preset.values = reader.count(task["values"], "values");
  if (task["distractors"]) preset.distractors = reader.count(task["distractors"], "distractors");
  if (task["words"]) preset.words = reader.path(task["words"], "words");
  if (task["hops"]) preset.hops = reader.count(task["hops"], "hops");
  if (task["babi"]) preset.babi = reader.path(task["babi"], "babi");
  if (task["tasks"]) preset.babi_tasks = reader.texts(task["tasks"], "tasks");
  if (task["facts"]) preset.facts = reader.path(task["facts"], "facts");
  if (task["count"]) preset.fact_count = reader.count(task["count"], "count");
  if (task["dataset"]) preset.dataset = reader.path(task["dataset"], "dataset");
  if (task["forms"]) preset.axes.forms = reader.texts(task["forms"], "forms");
  return preset;
}

void read_tasks(const Reader& reader, const YAML::Node& root, const TaskAxes& axes, RunSpec& spec) {
  if (static_cast<bool>(root["task"]) == static_cast<bool>(root["tasks"]))
    reader.fail(root.Mark(), "a run file needs either task, or tasks as a list");
  if (root["task"]) {
    spec.tasks.push_back(read_task(reader, root["task"], axes));
    return;
  }
  if (!root["tasks"].IsSequence() || root["tasks"].size() == 0)
    reader.fail(root["tasks"].Mark(), "tasks must be a list");
  for (const YAML::Node& task : root["tasks"]) spec.tasks.push_back(read_task(reader, task, axes));
}

void read_haystack(const Reader& reader, const YAML::Node& root, RunSpec& spec) {
  if (root["haystack"]) {
    const std::string source = reader.scalar(root["haystack"], "haystack");
    const auto generator = reader.placed(root["haystack"], [&] { return parse_generator(source); });
    spec.haystack = generator || source == "-" ? fs::path(source) : reader.path(root["haystack"], "haystack");
  }
  if (root["filler"]) spec.filler = reader.path(root["filler"], "filler");
  if (root["beyond"]) {
    const std::string beyond = reader.scalar(root["beyond"], "beyond");
    reader.placed(root["beyond"], [&] {
      check_choices("beyond", {beyond}, {"refuse", "repeat"});
      return 0;
    });
    spec.repeat = beyond == "repeat";
  }
  if (root["pieces"]) spec.piece_bytes = reader.count(root["pieces"], "pieces");
}

void read_runner(const Reader& reader, const YAML::Node& node) {
  reader.check_fields(node, "runner", {"concurrency", "retries", "resume"});
  if (node["concurrency"]) (void)reader.count(node["concurrency"], "concurrency");
  if (node["retries"]) (void)reader.count(node["retries"], "retries");
  if (node["resume"] && !reader.flag(node["resume"], "resume"))
    reader.fail(node["resume"].Mark(),
                "resume: false is not offered; give another folder with --out for a fresh start");
}

/// What a node says, in one form: fields by name, no comments, styles or spaces.
std::string canonical(const YAML::Node& node) {
  if (node.IsMap()) {
    std::map<std::string, std::string> fields;
    for (const auto& entry : node) fields[entry.first.Scalar()] = canonical(entry.second);
    std::string text;
    for (const auto& [name, value] : fields) text += (text.empty() ? "{" : ", ") + name + ": " + value;
    return text.empty() ? "{}" : text + "}";
  }
  if (!node.IsSequence()) return node.IsScalar() ? "'" + node.Scalar() + "'" : "null";
  std::string text;
  for (const YAML::Node& item : node) text += (text.empty() ? "[" : ", ") + canonical(item);
  return text.empty() ? "[]" : text + "]";
}

YAML::Node load(const Reader& reader, const fs::path& file) {
  try {
    return YAML::Load(base::read_file(file));
  } catch (const YAML::Exception& error) {
    reader.fail(error.mark, "this is not YAML: " + error.msg);
  }
}

}  // namespace

RunSpec read_run_file(const fs::path& file) {
  const Reader reader(file);
  const YAML::Node root = load(reader, file);
  reader.check_fields(root, "the run file",
                      {"schema_version", "name", "run_name", "haystack", "filler", "beyond", "pieces", "out",
                       "system_name", "sweep", "task", "tasks", "larimar", "runner"});
  RunSpec spec;
  spec.name = file.stem().string();
  for (const char* field : {"name", "run_name"}) {
    if (root[field]) spec.name = reader.scalar(root[field], field);
  }
  if (root["system_name"]) spec.system_name = reader.scalar(root["system_name"], "system_name");
  if (root["out"]) spec.out = reader.path(root["out"], "out");
  read_haystack(reader, root, spec);
  TaskAxes axes;
  if (root["larimar"]) {
    reader.check_fields(root["larimar"], "larimar", {"key_modes", "forms"});
    if (root["larimar"]["key_modes"]) spec.scope.key_modes = reader.texts(root["larimar"]["key_modes"], "key_modes");
    if (root["larimar"]["forms"]) axes.forms = reader.texts(root["larimar"]["forms"], "forms");
  }
  if (root["runner"]) read_runner(reader, root["runner"]);
  if (root["sweep"]) read_sweep(reader, root["sweep"], spec, axes);
  read_tasks(reader, root, axes, spec);
  spec.content = canonical(root);
  return spec;
}

}  // namespace larimar::eval

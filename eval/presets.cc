#include "eval/presets.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/babi_task.h"
#include "eval/dataset.h"
#include "eval/everyday.h"
#include "eval/fact_task.h"
#include "eval/key_task.h"
#include "eval/needle_file.h"
#include "eval/passkey_grid.h"
#include "eval/setup.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

const fs::path& needed(const fs::path& path, const char* what) {
  if (path.empty()) throw base::UsageError(std::string("the task needs ") + what);
  return path;
}

std::vector<NeedleKind> parse_kinds(const std::vector<std::string>& names) {
  std::vector<NeedleKind> kinds;
  for (const std::string& name : names) kinds.push_back(parse_needle_kind(name));
  return kinds;
}

std::vector<std::string> read_words(const fs::path& file) {
  std::vector<std::string> words;
  if (file.empty()) return words;
  std::istringstream text(base::read_file(file));
  for (std::string word; text >> word;) words.push_back(word);
  if (words.empty()) throw base::MissingInputError("the word list " + file.string() + " holds no word");
  return words;
}

KeyTaskOptions key_options(const Preset& preset) {
  KeyTaskOptions options{.name = preset.name};
  options.keys = preset.keys;
  options.values = preset.values;
  options.distractors = preset.distractors;
  options.words = read_words(preset.words);
  if (preset.name == "words") options.values_are = "word";
  if (preset.name == "uuid") options.keys_are = options.values_are = "uuid";
  return options;
}

Task needle_file_task(const Preset& preset) {
  NeedleSet set;
  set.name = needed(preset.needles, "--needles FILE.jsonl").stem().string();
  set.needles = load_needles(preset.needles);
  set.forms = preset.axes.forms;
  return needle_task(set);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

template <class Number>
Number parse_number(std::string_view text, const std::string& what) {
  Number number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size() || text.empty())
    throw base::UsageError(what + ": \"" + std::string(text) + "\" is no number");
  return number;
}

}  // namespace

Task make_task(const Preset& preset) {
  const TaskAxes& axes = preset.axes;
  if (preset.name == "passkey") return passkey_task(axes, parse_kinds(preset.kinds), preset.wording);
  if (preset.name == "needle") return passkey_task(axes, {{std::string(kSanFrancisco), 0}});
  if (preset.name == "needles") return needle_file_task(preset);
  if (preset.name == "multi" || preset.name == "words" || preset.name == "uuid")
    return key_task(axes, key_options(preset));
  if (preset.name == "uuid_chain") return chain_task(axes, preset.hops);
  if (preset.name == "babi")
    return babi_task({needed(preset.babi, "--babi DIR"), preset.babi_tasks, axes.first_seed, axes.seeds});
  if (preset.name == "facts")
    return fact_task(
        {needed(preset.facts, "--facts FILE.json"), preset.fact_count, axes.first_seed, axes.seeds, axes.forms});
  if (preset.name == "dataset") return dataset_task(needed(preset.dataset, "--dataset DIR"));
  check_choices("task", {preset.name}, kPresets);
  throw base::Error(base::ExitCode::kInternal, "the task " + preset.name + " is listed and not made");
}

std::vector<double> spread(double least, double most, std::uint64_t count, const std::string& scale) {
  check_choices("scale", {scale}, {"linear", "sigmoid"});
  if (count == 0 || !(most >= least) || !std::isfinite(most) || !std::isfinite(least))
    throw base::UsageError("a range needs at least one value, and a greatest that is not below its least");
  std::vector<double> values;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double share = count == 1 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
    double value = least + share * (most - least);
    if (scale == "sigmoid" && value > 0 && value < 100) value = 100 / (1 + std::exp(-0.1 * (value - 50)));
    values.push_back(std::round(value * 1000) / 1000);
  }
  return values;
}

std::vector<double> parse_values(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    const std::vector<std::string> parts = split(text, ':');
    if (parts.size() != 3 && parts.size() != 4)
      throw base::UsageError("\"" + std::string(text) + "\" is no range; write MIN:MAX:NUM or MIN:MAX:NUM:sigmoid");
    return spread(parse_number<double>(parts[0], "range"), parse_number<double>(parts[1], "range"),
                  parse_number<std::uint64_t>(parts[2], "range"), parts.size() == 4 ? parts[3] : "linear");
  }
  std::vector<double> values;
  for (const std::string& part : split(text, ',')) values.push_back(parse_number<double>(part, "list"));
  return values;
}

Part parse_part(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    throw base::UsageError("part \"" + std::string(text) + "\" is not of the form 2/8");
  const Part part{parse_number<std::uint64_t>(text.substr(0, slash), "part"),
                  parse_number<std::uint64_t>(text.substr(slash + 1), "part")};
  if (part.number == 0 || part.number > part.of)
    throw base::UsageError("part " + std::string(text) + " is none: parts are numbered from 1/n to n/n");
  return part;
}

std::optional<Part> part_from_environment() {
  const char* id = std::getenv("SLURM_ARRAY_TASK_ID");
  const char* count = std::getenv("SLURM_ARRAY_TASK_COUNT");
  if (id == nullptr || count == nullptr) return std::nullopt;
  const char* least = std::getenv("SLURM_ARRAY_TASK_MIN");
  const std::string what = "Slurm's array variables";
  const auto number = parse_number<std::uint64_t>(id, what), of = parse_number<std::uint64_t>(count, what);
  const auto first = least == nullptr ? std::uint64_t{0} : parse_number<std::uint64_t>(least, what);
  if (number < first || number - first >= of) {
    throw base::UsageError("the array task " + std::string(id) + " is not one of " + count + " in a row from " +
                           std::to_string(first) + "; use an array without gaps, or --part");
  }
  return Part{number - first + 1, of};
}

}  // namespace larimar::eval

#include "eval/babi_task.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <string_view>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/haystack.h"
#include "eval/random.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

constexpr int kTasks = 20;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// The number at the text's beginning, which it loses; 0 if there is none.
std::size_t take_number(std::string_view& text) {
  text = trimmed(text);
  std::size_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{}) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// "apple,milk" is a list of two; "s,w", directions of a path, is one answer.
std::vector<std::string> split_answers(std::string_view label) {
  std::vector<std::string> parts;
  std::istringstream list{std::string(label)};
  for (std::string part; std::getline(list, part, ',');) parts.push_back(part);
  if (std::ranges::any_of(parts, [](const std::string& part) { return part.size() < 2; })) return {std::string(label)};
  return parts;
}

/// A story on its way: its facts, and which line each of them stood in.
struct Story {
  std::vector<std::string> facts;
  std::map<std::size_t, std::size_t> of_line;  // number of the line -> index of the fact
};

/// Throws a text that says what is wrong, for read_babi to place.
BabiSample read_question(const Story& story, std::string_view text) {
  const auto tab = text.find('\t');
  const auto second = text.find('\t', tab + 1);
  if (second == std::string_view::npos)
    throw std::string("needs a question, its answer and numbers of facts, tabs between");
  BabiSample sample{story.facts,
                    std::string(trimmed(text.substr(0, tab))),
                    split_answers(trimmed(text.substr(tab + 1, second - tab - 1))),
                    {}};
  if (sample.question.empty() || sample.answers.empty()) throw std::string("has an empty question or answer");
  std::string_view numbers = trimmed(text.substr(second + 1));
  while (!numbers.empty()) {
    const std::size_t number = take_number(numbers);
    const auto fact = story.of_line.find(number);
    if (fact == story.of_line.end()) throw "names the supporting fact " + std::to_string(number) + ", which is none";
    sample.evidence.push_back(fact->second);
  }
  return sample;
}

fs::path file_of(const fs::path& folder, const std::string& task) {
  fs::path found;
  for (const Document& document : list_haystack(folder).documents) {
    const std::string name = document.path.filename().string();
    if (!name.starts_with(task + "_") || !name.ends_with(".txt")) continue;
    if (found.empty() || name.find("test") != std::string::npos) found = document.path;
  }
  if (found.empty())
    throw base::MissingInputError("the folder " + folder.string() + " has no file " + task + "_*.txt of bAbI");
  return found;
}

void check_task(const std::string& task) {
  for (int i = 1; i <= kTasks; ++i) {
    if (task == "qa" + std::to_string(i)) return;
  }
  throw base::UsageError("bAbI task \"" + task + "\" is none of qa1 to qa20");
}

TaskTrial make_trial(const std::string& task, const std::vector<BabiSample>& samples, std::uint64_t seed) {
  TaskTrial trial;
  trial.name = "babi/" + task + "/S" + std::to_string(seed);
  trial.kind = task;
  trial.seed = seed;
  Random random(hash_text(trial.name));
  const BabiSample& sample = samples[random.below(samples.size())];
  std::vector<double> depths;
  for (std::size_t i = 0; i < sample.facts.size(); ++i)
    depths.push_back(static_cast<double>(random.below(10001)) / 100);
  std::ranges::sort(depths);
  for (std::size_t i = 0; i < sample.facts.size(); ++i) trial.plants.push_back({sample.facts[i], depths[i]});
  TaskQuery query;
  query.form = "question";
  query.prompt = sample.question;
  query.expected = sample.answers;
  query.evidence = sample.evidence;
  query.whole_words = true;
  if (!sample.evidence.empty()) query.depth = depths[sample.evidence.front()];
  trial.queries.push_back(std::move(query));
  return trial;
}

}  // namespace

std::vector<BabiSample> read_babi(const fs::path& file) {
  std::istringstream lines(base::read_file(file));
  std::vector<BabiSample> samples;
  Story story;
  std::size_t line_number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++line_number;
    std::string_view text = line;
    if (trimmed(text).empty()) continue;
    try {
      const std::size_t number = take_number(text);
      if (number == 0) throw std::string("does not begin with a number");
      if (number == 1) story = {};
      if (text.find('\t') != std::string_view::npos) {
        samples.push_back(read_question(story, text));
      } else if (const std::string_view fact = trimmed(text); !fact.empty()) {
        story.of_line[number] = story.facts.size();
        story.facts.emplace_back(fact);
      } else {
        throw std::string("has a number and no fact");
      }
    } catch (const std::string& fault) {
      throw base::FormatError("bAbI file " + file.string() + ", line " + std::to_string(line_number) + ": the line " +
                              fault);
    }
  }
  if (samples.empty()) throw base::MissingInputError("bAbI file " + file.string() + " holds no question");
  return samples;
}

Task babi_task(const BabiOptions& options) {
  if (options.tasks.empty() || options.samples == 0)
    throw base::UsageError("bAbI needs at least one task and one sample");
  for (const std::string& task : options.tasks) check_task(task);
  Task result{"babi", nullptr, {}};
  for (const std::string& task : options.tasks) {
    const fs::path file = file_of(options.folder, task);
    const std::vector<BabiSample> samples = read_babi(file);
    result.description["files"][task] = std::to_string(hash_text(base::read_file(file)));
    for (std::uint64_t i = 0; i < options.samples; ++i)
      result.trials.push_back(make_trial(task, samples, options.first_seed + i));
  }
  return result;
}

}  // namespace larimar::eval

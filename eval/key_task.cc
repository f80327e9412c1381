#include "eval/key_task.h"

#include <array>
#include <set>

#include "common/base/error.h"
#include "eval/needles.h"
#include "eval/setup.h"

namespace larimar::eval {
namespace {

constexpr std::array<const char*, 24> kSyllables = {"ba", "be",  "dor", "du",  "fa", "fen", "gi", "gol",
                                                    "ka", "kir", "la",  "lu",  "mo", "mer", "na", "nor",
                                                    "pe", "pol", "ra",  "rin", "sa", "tel", "vo", "zu"};

/// Draws names of one kind, none of them twice.
class Names {
 public:
  Names(Random& random, const KeyTaskOptions& options) : random_(random), options_(options) {}

  std::string draw(const std::string& kind) {
    for (int attempt = 0; attempt < 10000; ++attempt) {
      std::string name = attempt_one(kind);
      if (used_.insert(name).second) return name;
    }
    throw base::UsageError("there are too few " + kind + "s for that many keys and values; give more --words");
  }

 private:
  std::string attempt_one(const std::string& kind) {
    if (kind == "uuid") return draw_needle({std::string(kUuid), 0}, random_.next()).answer;
    if (kind == "number") return draw_needle({std::string(kPasskey), 7}, random_.next()).answer;
    return options_.words.empty() ? draw_word(random_) : options_.words[random_.below(options_.words.size())];
  }

  Random& random_;
  const KeyTaskOptions& options_;
  std::set<std::string> used_;
};

double draw_depth(Random& random) { return static_cast<double>(random.below(10001)) / 100; }

std::string statement(const KeyTaskOptions& options, const std::string& key) {
  return "The secret " + options.values_are + " of " + key + " is";
}

/// Hides the key's values and asks for them. The very first plant of a trial stands at its depth.
void add_key(TaskTrial& trial, const KeyTaskOptions& options, const std::vector<std::string>& forms, double depth,
             Names& names, Random& random) {
  const std::string key = names.draw(options.keys_are);
  TaskQuery query;
  for (std::uint64_t v = 0; v < options.values; ++v) {
    query.expected.push_back(names.draw(options.values_are));
    query.evidence.push_back(trial.plants.size());
    const double at = trial.plants.empty() ? depth : draw_depth(random);
    trial.plants.push_back({statement(options, key) + " " + query.expected.back() + ".", at});
  }
  query.depth = trial.plants[query.evidence.front()].depth;
  if (options.keys > 1) query.name = "K" + std::to_string(query.evidence.front() / options.values + 1);
  for (const std::string& form : forms) {
    query.form = form;
    const std::string asked = options.values > 1 ? "What are all secret " + options.values_are + "s of "
                                                 : "What is the secret " + options.values_are + " of ";
    query.prompt = form == "prefix" ? statement(options, key) : asked + key + "?";
    trial.queries.push_back(query);
  }
}

std::string label(const KeyTaskOptions& options) {
  return options.name + "/" + options.keys_are + "-" + options.values_are + "/k" + std::to_string(options.keys) + "v" +
         std::to_string(options.values) + "d" + std::to_string(options.distractors);
}

TaskTrial key_trial(const TaskAxes& axes, const KeyTaskOptions& options, double depth, std::uint64_t seed) {
  TaskTrial trial;
  trial.name = label(options) + "/" + place_label(depth, seed);
  trial.kind = options.name;
  trial.seed = seed;
  Random random(hash_text(trial.name));
  Names names(random, options);
  for (std::uint64_t k = 0; k < options.keys; ++k) add_key(trial, options, axes.forms, depth, names, random);
  for (std::uint64_t d = 0; d < options.distractors; ++d) {
    const std::string key = names.draw(options.keys_are);
    trial.plants.push_back({statement(options, key) + " " + names.draw(options.values_are) + ".", draw_depth(random)});
  }
  return trial;
}

TaskTrial chain_trial(const TaskAxes& axes, std::uint64_t hops, double depth, std::uint64_t seed) {
  TaskTrial trial;
  trial.name = "uuid_chain/h" + std::to_string(hops) + "/" + place_label(depth, seed);
  trial.kind = "uuid_chain";
  trial.seed = seed;
  Random random(hash_text(trial.name));
  const KeyTaskOptions options;
  Names names(random, options);
  const std::string first = names.draw("uuid");
  TaskQuery query;
  query.depth = depth;
  for (std::string from = first; query.expected.size() < hops; from = query.expected.back()) {
    query.evidence.push_back(trial.plants.size());
    query.expected.push_back(names.draw("uuid"));
    trial.plants.push_back({"The entry " + from + " leads to " + query.expected.back() + ".",
                            trial.plants.empty() ? depth : draw_depth(random)});
  }
  for (const std::string& form : axes.forms) {
    query.form = form;
    query.prompt = form == "prefix"
                       ? "The entry " + first + " leads to"
                       : "Which entries does one come to, one after the other, from the entry " + first + "?";
    trial.queries.push_back(query);
  }
  return trial;
}

template <class Make>
Task over_axes(const TaskAxes& axes, std::string name, const Make& make) {
  check_axes(axes);
  Task task{std::move(name), nullptr, {}};
  for (std::uint64_t i = 0; i < axes.seeds; ++i) {
    for (const double depth : axes.depths) task.trials.push_back(make(depth, axes.first_seed + i));
  }
  return task;
}

}  // namespace

std::string draw_word(Random& random) {
  std::string word;
  for (int i = 0; i < 3; ++i) word += kSyllables[random.below(kSyllables.size())];
  return word;
}

Task key_task(const TaskAxes& axes, const KeyTaskOptions& options) {
  check_choices("kind of keys", {options.keys_are}, {"word", "uuid"});
  check_choices("kind of values", {options.values_are}, {"number", "word", "uuid"});
  if (options.keys == 0 || options.values == 0) throw base::UsageError("the task needs at least one key and one value");
  Task task = over_axes(axes, options.name,
                        [&](double depth, std::uint64_t seed) { return key_trial(axes, options, depth, seed); });
  if (!options.words.empty()) {
    std::string all;
    for (const std::string& word : options.words) all += word + "\n";
    task.description = {
        {"words", std::to_string(options.words.size()) + " words, hash " + std::to_string(hash_text(all))}};
  }
  return task;
}

Task chain_task(const TaskAxes& axes, std::uint64_t hops) {
  if (hops == 0) throw base::UsageError("the chain needs at least one hop");
  return over_axes(axes, "uuid_chain",
                   [&](double depth, std::uint64_t seed) { return chain_trial(axes, hops, depth, seed); });
}

}  // namespace larimar::eval

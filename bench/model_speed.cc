// A causal language model of a Hugging Face folder on given token ids: logits, a greedy answer, and how long it takes.
//
// usage: bench_model_speed FOLDER REQUEST.json [--dtype TYPE] [--threads N]
// REQUEST.json = {"tokens": [ids], "logits_of": 300, "logits_file": "FILE", "greedy": 64, "prefill": [1024, 4096],
//                 "decode": 64, "repeat": 3}; prints one JSON object. bench/compare_models.py writes it and compares.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/language_model.h"
#include "common/model/runtime.h"
#include "common/model/safetensors.h"

namespace larimar::bench {
namespace {

using Tokens = std::vector<text::TokenId>;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Tokens first_tokens(const nlohmann::json& request, std::size_t count) {
  const auto all = request.at("tokens").get<Tokens>();
  if (all.size() < count) throw base::UsageError("the request has only " + std::to_string(all.size()) + " tokens");
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)};
}

void write_logits(model::LanguageModel& network, const nlohmann::json& request) {
  const linalg::Matrix logits = network.logits(first_tokens(request, request.at("logits_of").get<std::size_t>()));
  const auto bytes = std::as_bytes(std::span(logits.data(), static_cast<std::size_t>(logits.size())));
  model::write_safetensors(
      request.at("logits_file").get<std::string>(),
      {{"logits",
        {"F32", {static_cast<std::uint64_t>(logits.rows()), static_cast<std::uint64_t>(logits.cols())}, bytes}}},
      {});
}

/// Tokens a second. A changed first token keeps the model from taking over what it has of the last text.
nlohmann::json time_prefill(model::LanguageModel& network, const nlohmann::json& request) {
  nlohmann::json speeds = nlohmann::json::object();
  for (const auto length : request.at("prefill").get<std::vector<std::size_t>>()) {
    Tokens prompt = first_tokens(request, length);
    double best = 1e9;
    for (int i = 0; i < request.at("repeat").get<int>(); ++i) {
      prompt[0] = static_cast<text::TokenId>(i + 1);
      best = std::min(best, seconds_of([&] {
                        static_cast<void>(network.generate(std::vector<Tokens>{prompt}, {.max_new_tokens = 1}));
                      }));
    }
    speeds[std::to_string(length)] = static_cast<double>(length) / best;
  }
  return speeds;
}

/// Tokens a second behind a text whose keys and values are there.
double time_decode(model::LanguageModel& network, const nlohmann::json& request) {
  const auto count = request.at("decode").get<std::size_t>();
  const std::vector<Tokens> prompt{first_tokens(request, request.at("logits_of").get<std::size_t>())};
  static_cast<void>(network.generate(prompt, {.max_new_tokens = 1}));
  double best = 1e9;
  for (int i = 0; i < request.at("repeat").get<int>(); ++i)
    best = std::min(best, seconds_of([&] { static_cast<void>(network.generate(prompt, {.max_new_tokens = count})); }));
  return static_cast<double>(count) / best;
}

nlohmann::json run(int count, char** arguments) {
  std::vector<std::string> words(arguments + 1, arguments + count);
  model::Placement placement;
  int threads = 1;
  std::vector<std::string> files;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i] == "--dtype" && has_value) {
      placement.dtype = words[++i];
    } else if (words[i] == "--threads" && has_value) {
      threads = std::stoi(words[++i]);
    } else {
      files.push_back(words[i]);
    }
  }
  if (files.size() != 2)
    throw base::UsageError("usage: bench_model_speed FOLDER REQUEST.json [--dtype T] [--threads N]");
  model::set_threads(threads);
  const auto request = nlohmann::json::parse(base::read_file(files[1]));
  std::unique_ptr<model::LanguageModel> network;
  nlohmann::json result;
  result["load_s"] = seconds_of([&] { network = model::load_language_model(files[0], placement); });
  write_logits(*network, request);
  const std::vector<Tokens> prompt{first_tokens(request, request.at("logits_of").get<std::size_t>())};
  result["greedy"] = network->generate(prompt, {.max_new_tokens = request.at("greedy").get<std::size_t>()}).front();
  result["decode_tokens_per_s"] = time_decode(*network, request);
  result["prefill_tokens_per_s"] = time_prefill(*network, request);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result["peak_mib"] = usage.ru_maxrss / 1024;
  result["torch"] = model::torch_version();
  result["threads"] = threads;
  return result;
}

}  // namespace
}  // namespace larimar::bench

int main(int count, char** arguments) {
  try {
    std::cout << larimar::bench::run(count, arguments).dump(2) << '\n';
  } catch (const larimar::base::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
  return 0;
}

#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace larimar::eval {

/// One thing to ask. Exactly one of prefix (to be completed) and question is not empty. Ids are unique in a trial.
struct Query {
  std::string id;
  std::string prefix;
  std::string question;
};

/// A context and what to ask about it. Documents stand in reading order; most of them are the same files in every
/// trial of a grid, so that whoever answers may keep their encodings.
struct Trial {
  std::string name;                            // for messages and progress
  std::vector<std::filesystem::path> context;  // documents, in reading order
  std::string key_mode;                        // "prefix", "segment" or "sentence": how write keys are made
  std::vector<Query> queries;
};

/// A place in a document that an answer rests on. Bytes are offsets in the file, end excluded.
struct Citation {
  std::filesystem::path document;
  std::uint64_t byte_begin = 0;
  std::uint64_t byte_end = 0;
  std::uint64_t line = 0;
  std::string excerpt;
  std::uint64_t segment = 0;
  std::uint32_t shard = 0;
  double weight = 0;
};

/// What a language model was given and gave.
struct Usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  bool truncated = false;  // the context did not fit into the window
};

/// What the system under test gives for one query, with the fields of answers.jsonl. Best citation first.
struct Answer {
  std::string id;
  std::string answer;
  std::vector<std::string> decoded;
  double score = 0;
  double margin = 0;
  bool in_scope = true;
  std::vector<Citation> citations;
  std::optional<Usage> usage{};  // where a language model reads the context itself
};

/// The system under test: ingests the trial's context and answers every query, in any order.
/// An exception ends the evaluation; the rows written before it stay.
using AskFunction = std::function<std::vector<Answer>(const Trial&)>;

/// State of a running evaluation, in result rows.
struct Progress {
  std::size_t done = 0;
  std::size_t total = 0;
  std::string what;  // name of the trial just done or found done; empty at the start
};
using ProgressFunction = std::function<void(const Progress&)>;

}  // namespace larimar::eval

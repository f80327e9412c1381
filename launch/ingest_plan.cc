#include "launch/ingest_plan.h"

#include <algorithm>
#include <charconv>

#include "common/base/error.h"
#include "common/memory/rules_text.h"
#include "launch/memory_folder.h"

namespace larimar::launch {
namespace {

constexpr const char* kUnfinished = "unfinished_from";  // in the rules while documents are on their way in

std::uint64_t number_of(const std::map<std::string, std::string>& rules, const std::string& name) {
  const auto found = rules.find(name);
  std::uint64_t value = 0;
  const std::string text = found == rules.end() ? "" : found->second;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || text.empty())
    throw base::FormatError("the memory's rule \"" + name + "\" is \"" + text + "\", which is no number");
  return value;
}

}  // namespace

std::vector<NewDocument> describe_documents(const text::Corpus& corpus) {
  std::vector<NewDocument> documents;
  for (const text::Document& document : corpus.documents())
    documents.push_back({document.path, document.bytes, hash_of_file(document.path), 0});
  for (const text::BlockRef& block : corpus.blocks()) ++documents[block.document].blocks;
  return documents;
}

std::vector<NewDocument> unknown_documents(const std::vector<NewDocument>& documents, const store::Manifest& manifest) {
  std::vector<NewDocument> unknown;
  for (const NewDocument& document : documents) {
    const auto same = [&](const store::DocumentEntry& entry) {
      return !entry.removed && entry.content == document.content && entry.bytes == document.bytes;
    };
    if (std::ranges::none_of(manifest.documents, same)) unknown.push_back(document);
  }
  return unknown;
}

store::Manifest begin_documents(store::Manifest manifest, const std::vector<NewDocument>& documents) {
  manifest.rules[kUnfinished] = std::to_string(manifest.documents.size());
  manifest.state = store::MemoryState::kIngesting;
  for (const NewDocument& document : documents) {
    manifest.documents.push_back({.path = std::filesystem::absolute(document.path).lexically_normal().string(),
                                  .bytes = document.bytes,
                                  .content = document.content,
                                  .first_block = manifest.next_block,
                                  .blocks = document.blocks,
                                  .removed = false});
    manifest.next_block += document.blocks;
  }
  return manifest;
}

store::Manifest complete(store::Manifest manifest) {
  manifest.rules.erase(kUnfinished);
  manifest.state = store::MemoryState::kComplete;
  return manifest;
}

std::size_t first_unfinished(const store::Manifest& manifest) {
  if (!manifest.rules.contains(kUnfinished)) return manifest.documents.size();
  return std::min<std::size_t>(number_of(manifest.rules, kUnfinished), manifest.documents.size());
}

void check_same_documents(const store::Manifest& manifest, const std::vector<NewDocument>& documents) {
  const std::size_t first = first_unfinished(manifest);
  bool same = manifest.documents.size() - first == documents.size();
  for (std::size_t i = 0; same && i < documents.size(); ++i) {
    const store::DocumentEntry& entry = manifest.documents[first + i];
    same = entry.content == documents[i].content && entry.bytes == documents[i].bytes;
  }
  if (same) return;
  throw base::ConfigError("an ingest of " + std::to_string(manifest.documents.size() - first) +
                          " documents, the first " +
                          (first < manifest.documents.size() ? manifest.documents[first].path : "none") +
                          ", is unfinished in this memory, and these are others; finish it by the same command again "
                          "with unchanged files, or remove the folder");
}

store::Manifest empty_manifest(const JobSetup& setup, const std::string& model, const std::string& keys,
                               std::size_t code_size, std::size_t key_size) {
  store::Manifest manifest;
  manifest.code_size = static_cast<std::uint32_t>(code_size);
  manifest.key_size = static_cast<std::uint32_t>(key_size);
  manifest.model = model;
  manifest.keys = keys;
  manifest.key_mode = setup.key_mode;
  manifest.seed = setup.seed;
  manifest.rules = memory::to_text(setup.memory);
  manifest.rules["segment"] = setup.rules.segments.form == text::SegmentForm::kWindow ? "window" : "sentence";
  manifest.rules["max_tokens"] = std::to_string(setup.rules.segments.max_tokens);
  manifest.rules["prefix_words"] = std::to_string(setup.rules.prefix_words);
  manifest.rules["strict"] = setup.rules.strict ? "yes" : "no";
  return manifest;
}

void check_same_settings(const store::Manifest& memory, const store::Manifest& asked) {
  std::string differences;
  const auto compare = [&](const std::string& name, const std::string& had, const std::string& wants) {
    if (had != wants)
      differences += (differences.empty() ? "" : "; ") + name + " is \"" + had + "\" there and \"" + wants + "\" now";
  };
  compare("model", memory.model, asked.model);
  compare("keys", memory.keys, asked.keys);
  compare("key mode", memory.key_mode, asked.key_mode);
  compare("code size", std::to_string(memory.code_size), std::to_string(asked.code_size));
  compare("key size", std::to_string(memory.key_size), std::to_string(asked.key_size));
  compare("seed", std::to_string(memory.seed), std::to_string(asked.seed));
  for (const auto& [name, value] : asked.rules) {
    const auto found = memory.rules.find(name);
    compare(name, found == memory.rules.end() ? "not said" : found->second, value);
  }
  if (!differences.empty())
    throw base::ConfigError("the memory was made with other settings: " + differences +
                            "; give the same ones, or remove that folder or name another one to make a new memory");
}

JobSetup setup_of(const store::Manifest& manifest, JobSetup setup) {
  setup.memory = memory::rules_from_text(manifest.rules);
  setup.aggregation = setup.memory.aggregation;
  setup.key_mode = manifest.key_mode;
  setup.seed = manifest.seed;
  setup.rules.segments.max_tokens = static_cast<std::size_t>(number_of(manifest.rules, "max_tokens"));
  setup.rules.prefix_words = static_cast<std::size_t>(number_of(manifest.rules, "prefix_words"));
  setup.rules.strict = manifest.rules.contains("strict") && manifest.rules.at("strict") == "yes";
  const bool window = manifest.rules.contains("segment") && manifest.rules.at("segment") == "window";
  setup.rules.segments.form = window ? text::SegmentForm::kWindow : text::SegmentForm::kSentence;
  return setup;
}

}  // namespace larimar::launch

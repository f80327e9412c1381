#include "common/text/vocabulary_files.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/text/json_part.h"

namespace larimar::text {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::vector<std::string> read_lines(const fs::path& path) {
  const base::MappedFile file(path);
  std::vector<std::string> lines;
  std::string_view left = file.text();
  while (!left.empty()) {
    std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
  }
  return lines;
}

std::string at_line(const fs::path& path, std::size_t index) {
  return path.string() + ": line " + std::to_string(index + 1);
}

json read_if_there(const fs::path& path) { return fs::exists(path) ? read_json(path) : json::object(); }

std::string name_of(const JsonPart& token) {  // "[UNK]" or {"content": "[UNK]", ..}
  return token.value().is_object() ? token.at("content").text() : token.text();
}

/// What the files beside a vocabulary say about its tokens.
class Companions {
 public:
  explicit Companions(const fs::path& folder)
      : config_(read_if_there(folder / "tokenizer_config.json")),
        added_(read_if_there(folder / "added_tokens.json")),
        specials_(read_if_there(folder / "special_tokens_map.json")),
        folder_(folder) {}
  Companions(const Companions&) = delete;
  Companions& operator=(const Companions&) = delete;

  [[nodiscard]] JsonPart config() const { return {config_, (folder_ / "tokenizer_config.json").string()}; }

  /// The text of a role such as "unk_token".
  [[nodiscard]] std::string name(const std::string& role, const std::string& otherwise) const {
    const JsonPart map(specials_, (folder_ / "special_tokens_map.json").string());
    if (map.has(role)) return name_of(map.at(role));
    return config().has(role) ? name_of(config().at(role)) : otherwise;
  }

  /// All added tokens by id: those of the files, and the texts in `roles`, which get the next ids where they have none.
  [[nodiscard]] json added_tokens(const json& vocabulary, const std::vector<std::string>& roles) const {
    std::map<std::uint64_t, json> by_id = read_added(roles);
    std::set<std::string> known;
    std::uint64_t next = vocabulary.size();
    for (const auto& [id, token] : by_id) {
      known.insert(token.at("content").get<std::string>());
      next = std::max(next, id + 1);
    }
    for (const std::string& text : roles) {
      if (!known.insert(text).second) continue;
      const auto piece = vocabulary.find(text);
      const bool has_id = piece != vocabulary.end() && piece->is_number_integer() && *piece >= 0;
      const std::uint64_t id = has_id ? piece->get<std::uint64_t>() : next++;
      by_id[id] = token_of(id, text, true);
    }
    json list = json::array();
    for (auto& [id, token] : by_id) list.push_back(std::move(token));
    return list;
  }

 private:
  static json token_of(std::uint64_t id, const std::string& text, bool special) {
    return {{"id", id}, {"content", text}, {"special", special}, {"normalized", !special}};
  }

  [[nodiscard]] std::map<std::uint64_t, json> read_added(const std::vector<std::string>& roles) const {
    std::map<std::uint64_t, json> by_id;
    if (config().has("added_tokens_decoder")) {
      const JsonPart list = config().at("added_tokens_decoder");
      for (const auto& [key, token] : list.value().items()) {
        if (key.empty() || key.size() > 9 || key.find_first_not_of("0123456789") != std::string::npos)
          list.refuse("has the key \"" + key + "\", which is no id");
        const std::uint64_t id = std::stoull(key);
        by_id[id] = token;
        by_id[id]["id"] = id;
        by_id[id]["content"] = list.at(key).at("content").text();
      }
      return by_id;
    }
    const JsonPart list(added_, (folder_ / "added_tokens.json").string());
    for (const auto& [text, id] : added_.items()) {
      const bool special = std::ranges::find(roles, text) != roles.end();
      by_id[list.at(text).count()] = token_of(list.at(text).count(), text, special);
    }
    return by_id;
  }

  json config_, added_, specials_;
  fs::path folder_;
};

json template_of(const json& vocabulary, const std::vector<std::string>& before, const std::vector<std::string>& after,
                 const fs::path& source) {
  json single = json::array();
  json specials = json::object();
  const auto put = [&](const std::string& text) {
    if (!vocabulary.contains(text))
      throw base::FormatError(source.string() + ": the vocabulary lacks the special token \"" + text + "\"");
    single.push_back({{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
    specials[text] = {{"id", text}, {"ids", {vocabulary.at(text)}}, {"tokens", {text}}};
  };
  for (const std::string& text : before) put(text);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  for (const std::string& text : after) put(text);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", specials}};
}

json read_merges(const fs::path& path) {
  json merges = json::array();
  const std::vector<std::string> lines = read_lines(path);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.starts_with("#version")) continue;
    const std::size_t blank = line.find(' ');
    const bool pair = blank != std::string::npos && blank > 0 && blank + 1 < line.size() && blank == line.rfind(' ');
    if (!pair) throw base::FormatError(at_line(path, i) + " is not a pair of pieces with one blank between them");
    merges.push_back({line.substr(0, blank), line.substr(blank + 1)});
  }
  return merges;
}

}  // namespace

json read_json(const fs::path& path) {
  const base::MappedFile file(path);
  try {
    return json::parse(file.text());
  } catch (const json::parse_error& error) {
    throw base::FormatError(path.string() + " is not JSON at byte " + std::to_string(error.byte));
  }
}

json json_of_bert_files(const fs::path& folder) {
  const fs::path path = folder / "vocab.txt";
  const Companions companions(folder);
  const JsonPart config = companions.config();
  const std::vector<std::string> lines = read_lines(path);
  json vocabulary = json::object();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (vocabulary.contains(lines[i]))
      throw base::FormatError(at_line(path, i) + " repeats the piece \"" + lines[i] + "\"");
    vocabulary[lines[i]] = i;
  }
  const std::string unknown = companions.name("unk_token", "[UNK]");
  const std::string separator = companions.name("sep_token", "[SEP]");
  const std::string start = companions.name("cls_token", "[CLS]");
  const std::vector<std::string> roles{unknown, separator, companions.name("pad_token", "[PAD]"), start,
                                       companions.name("mask_token", "[MASK]")};
  const json accents = config.has("strip_accents") ? json(config.at("strip_accents").flag()) : json();
  return {{"added_tokens", companions.added_tokens(vocabulary, roles)},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", config.flag_or("tokenize_chinese_chars", true)},
            {"strip_accents", accents},
            {"lowercase", config.flag_or("do_lower_case", true)}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", template_of(vocabulary, {start}, {separator}, path)},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", unknown},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", std::move(vocabulary)}}}};
}

json json_of_gpt2_files(const fs::path& folder) {
  const fs::path path = folder / "vocab.json";
  const Companions companions(folder);
  const std::string end = "<|endoftext|>";
  const std::string start = companions.name("bos_token", end);
  std::vector<std::string> roles{start, companions.name("eos_token", end), companions.name("unk_token", end)};
  if (const std::string pad = companions.name("pad_token", ""); !pad.empty()) roles.push_back(pad);
  json vocabulary = read_json(path);
  if (!vocabulary.is_object()) throw base::FormatError(path.string() + " is not an object of pieces and their ids");
  json root{{"added_tokens", companions.added_tokens(vocabulary, roles)},
            {"normalizer", nullptr},
            {"pre_tokenizer",
             {{"type", "ByteLevel"}, {"add_prefix_space", companions.config().flag_or("add_prefix_space", false)}}},
            {"post_processor", nullptr},
            {"decoder", {{"type", "ByteLevel"}}}};
  if (companions.config().flag_or("add_bos_token", false))
    root["post_processor"] = template_of(vocabulary, {start}, {}, path);
  root["model"] = {{"type", "BPE"}, {"merges", read_merges(folder / "merges.txt")}, {"vocab", std::move(vocabulary)}};
  return root;
}

}  // namespace larimar::text

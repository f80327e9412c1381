#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "coordinator/queries.h"

namespace larimar::coordinator {

/// A place in a document that an answer rests on. Bytes are offsets in the file, the end excluded.
struct Citation {
  std::filesystem::path document{};
  std::uint64_t byte_begin = 0;
  std::uint64_t byte_end = 0;
  std::uint64_t line = 0;  // of the first byte, from 1
  std::string excerpt{};   // raw bytes of the file
  std::uint64_t segment = 0;
  std::uint32_t shard = 0;
  double weight = 0.0;  // the segment's share in z_read of rank one, see AnswerSources
};

/// One line of answers.jsonl.
struct AnswerRecord {
  std::string id{};
  QueryForm form = QueryForm::kPrefix;
  std::string text{};  // of the query
  std::string answer{};
  std::vector<std::string> decoded{};  // texts of the reads, best first
  double score = 0.0;
  std::vector<double> likelihoods{};  // of the texts, if they are ordered by them
  std::optional<double> margin{};
  bool in_scope = false;
  std::string note{};                       // why there is no answer; empty in scope
  std::vector<Citation> citations{};        // the one the answer came from first
  std::map<std::string, double> timings{};  // seconds by phase
  std::size_t missing_virtual_shards = 0;   // of 256: what could not be read, because its rank died
};

/// What a read found for one query.
struct AnswerSources {
  std::vector<std::string> decoded{};  // texts of the reads, best first; empty if nothing was read
  /// Best first. For `best` reads one for each decoded text, with weight 1.0 for rank one and 0.0 for the runners-up, which
  /// have no part in the z_read of rank one. For a codebook row, its members, each with its share in the row's mean.
  std::vector<Citation> citations{};
  double score = 0.0;                   // of the best key
  std::vector<double> likelihoods{};    // [decoded] mean log p(question | text) a token; empty if not reranked
  std::optional<std::string> worded{};  // what a reader made of the texts, in place of the first one
  std::optional<double> margin{};       // to the next segment's; none where there is no next
  std::map<std::string, double> timings{};
};

/// Makes the answer out of decoded texts. Prefix: what follows it in the first text, in rank order, where complete_prefix
/// finds it; if in none, the whole first text. Question: the reader's words if there are any, else the whole first text. If the answer came from text i and there is a
/// citation for each text, citation i moves to the front; weights stay with their segments. in_scope: something was
/// read and score >= threshold. Out of scope the answer is empty and a note says why; what was read is still listed.
/// Calls   local.
[[nodiscard]] AnswerRecord assemble_answer(const Query& query, AnswerSources sources, double threshold);

/// One line without its end: id, prefix or question, answer, decoded, score, likelihoods (if
/// reranked), margin (null if none), in_scope, citations
/// [{document, byte_begin, byte_end, line, excerpt, segment, shard, weight}], timings, missing_virtual_shards (if there are any). Bytes that are not UTF-8 become
/// U+FFFD; numbers that are not finite become null.
[[nodiscard]] std::string to_json(const AnswerRecord& record);

/// FOLDER/answers.jsonl: complete after commit(), untouched without. Owns the temporary file; one thread.
/// Throws Error(kCannotCreate) if folder or file cannot be made, IoError if writing fails.
class AnswerWriter {
 public:
  explicit AnswerWriter(const std::filesystem::path& folder);
  void write(const AnswerRecord& record);
  void commit() { file_.commit(); }

 private:
  base::AtomicFile file_;
};

inline constexpr std::size_t kMostExcerptBytes = 400;

/// The first bytes of [begin, end) of a document, at most kMostExcerptBytes, cut between code points. If the file has
/// become shorter or unreadable since it was ingested, a note in brackets stands in place of the text.
/// Calls   local; reads the file.   Cost    a map and at most kMostExcerptBytes, whatever the file's size.
[[nodiscard]] std::string read_excerpt(const std::filesystem::path& document, std::uint64_t begin, std::uint64_t end);

}  // namespace larimar::coordinator

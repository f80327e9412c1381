#pragma once
// What an ingest finds in a memory folder and makes of it: the documents that are new, and the manifest to begin with.
#include <filesystem>
#include <string>
#include <vector>

#include "common/store/manifest.h"
#include "common/text/corpus.h"
#include "launch/setup.h"

namespace larimar::launch {

enum class IngestKind {
  kIngest,  // a new memory, or the rest of an unfinished one
  kAppend,  // more documents for a memory that is there
};

/// A document on its way in, as rank 0 sees it.
struct NewDocument {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  store::Hash128 content{};
  std::uint64_t blocks = 0;
};

/// Path, size, hash and blocks of every document of a corpus. Reads all of them once. Local.
[[nodiscard]] std::vector<NewDocument> describe_documents(const text::Corpus& corpus);

/// Those whose content the memory does not hold.
[[nodiscard]] std::vector<NewDocument> unknown_documents(const std::vector<NewDocument>& documents,
                                                         const store::Manifest& manifest);

/// `manifest` with these documents listed and their blocks numbered, in state kIngesting.
[[nodiscard]] store::Manifest begin_documents(store::Manifest manifest, const std::vector<NewDocument>& documents);
/// The state when everything is there: kComplete, without the mark that begin_documents made.
[[nodiscard]] store::Manifest complete(store::Manifest manifest);

/// First document that is on its way in (begin_documents), or the number of documents if none is.
[[nodiscard]] std::size_t first_unfinished(const store::Manifest& manifest);

/// Throws ConfigError, with what to do, if the documents under way are not these.
void check_same_documents(const store::Manifest& manifest, const std::vector<NewDocument>& documents);

/// Sizes, models, keys and rules of a memory that this setup makes. `model` and `keys` name the networks with a hash.
[[nodiscard]] store::Manifest empty_manifest(const JobSetup& setup, const std::string& model, const std::string& keys,
                                             std::size_t code_size, std::size_t key_size);
/// Throws ConfigError listing the settings that differ between what the memory was made with and what is asked for now.
void check_same_settings(const store::Manifest& memory, const store::Manifest& asked);

/// The setup that reads this memory: keys, key mode, segment rules, addressing. Network folders stay as they are.
/// Throws FormatError for rules that are no rules.
[[nodiscard]] JobSetup setup_of(const store::Manifest& manifest, JobSetup setup);

}  // namespace larimar::launch

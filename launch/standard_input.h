#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/comm/transport.h"
#include "launch/session.h"

namespace larimar::launch {

/// How standard input stands among the paths of a context.
inline constexpr const char* kStandardInput = "-";

/// Where "-" stands among the paths, rank 0 reads its standard input to the end into a document of the memory folder, named by its
/// content, and that path takes its place on every rank: shards can then read their own parts, an interrupted ingest
/// finds the same document again, and citations have a file to point to. The document appears complete or not at all.
/// It is read once: after a death the session knows the document.
/// Calls   collective. Throws AgreedError: nothing came in (MissingInputError), "-" twice (UsageError), IoError.
void spool_standard_input(comm::Transport& transport, Session& session, const std::filesystem::path& memory,
                          std::vector<std::filesystem::path>& context);

}  // namespace larimar::launch

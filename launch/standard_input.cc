#include "launch/standard_input.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <string>

#include "common/base/file.h"
#include "common/base/interrupt.h"
#include "common/comm/agree.h"
#include "common/store/hash.h"

namespace larimar::launch {
namespace {

// While it is read its name is not known: this one. Whoever comes later writes it anew.
constexpr const char* kIncoming = "standard-input.incoming";

/// Standard input into FOLDER/kIncoming. Returns its hash.
store::Hash128 read_all(const std::filesystem::path& folder, base::AtomicFile& file) {
  store::Hasher128 hasher;
  std::uint64_t bytes = 0;
  std::array<char, 1 << 16> buffer{};
  while (std::cin.read(buffer.data(), buffer.size()), std::cin.gcount() > 0) {
    const std::string_view part(buffer.data(), static_cast<std::size_t>(std::cin.gcount()));
    hasher.add(std::as_bytes(std::span(part.data(), part.size())));
    file.write(part);
    bytes += part.size();
    base::throw_if_interrupted();
  }
  if (std::cin.bad()) throw base::IoError("reading standard input for " + folder.string() + " failed");
  if (bytes == 0) throw base::MissingInputError("--context -: nothing came from standard input");
  return hasher.value();
}

std::string spool(const std::filesystem::path& memory) {
  base::make_folder(memory);
  const std::filesystem::path incoming = memory / kIncoming;
  store::Hash128 hash;
  {
    base::AtomicFile file(incoming);
    hash = read_all(memory, file);
    file.commit();
  }
  const std::filesystem::path document = memory / ("standard-input." + hash.text() + ".txt");
  std::error_code code;
  std::filesystem::rename(incoming, document, code);
  if (code) throw base::IoError("cannot name " + document.string() + ": " + code.message());
  return document.string();
}

}  // namespace

void spool_standard_input(comm::Transport& transport, Session& session, const std::filesystem::path& memory,
                          std::vector<std::filesystem::path>& context) {
  const auto places = std::ranges::count(context, std::filesystem::path(kStandardInput));
  if (places == 0) return;
  // Who feeds it may take as long as it likes.
  const comm::IdleScope patient(transport);
  std::string& path = session.standard_input;
  comm::together(transport, [&] {
    if (places > 1) throw base::UsageError("\"-\", standard input, stands twice in --context");
    if (transport.rank() == 0 && path.empty()) path = spool(memory);
  });
  transport.broadcast_string(path, 0);
  std::ranges::replace(context, std::filesystem::path(kStandardInput), std::filesystem::path(path));
}

}  // namespace larimar::launch

#include "launch/text_messages.h"

#include <cstdint>

#include "common/base/checked.h"
#include "common/base/error.h"

namespace larimar::launch {
namespace {

constexpr comm::Tag kCount{21};
constexpr comm::Tag kSizes{22};
constexpr comm::Tag kBytes{23};
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;

}  // namespace

void send_texts(comm::Transport& transport, std::span<const std::string> texts, int to) {
  std::uint64_t count = texts.size();
  std::vector<std::uint64_t> sizes;
  std::string all;
  for (const std::string& text : texts) {
    sizes.push_back(text.size());
    all += text;
  }
  transport.send(std::span(&count, 1), to, kCount);
  transport.send(std::span(sizes), to, kSizes);
  transport.send(std::span(all), to, kBytes);
}

std::vector<std::string> receive_texts(comm::Transport& transport, int from) {
  std::uint64_t count = 0;
  transport.receive(std::span(&count, 1), from, kCount);
  if (count > kMostBytes) throw base::CommError("rank " + std::to_string(from) + " announces too many texts");
  std::vector<std::uint64_t> sizes(count);
  transport.receive(std::span(sizes), from, kSizes);
  std::uint64_t total = 0;
  for (const std::uint64_t size : sizes) total = base::checked_add(total, size, "texts of a message");
  if (total > kMostBytes) throw base::CommError("rank " + std::to_string(from) + " announces texts that are too long");
  std::string all(total, '\0');
  transport.receive(std::span(all), from, kBytes);
  std::vector<std::string> texts;
  std::size_t at = 0;
  for (const std::uint64_t size : sizes) {
    texts.push_back(all.substr(at, size));
    at += size;
  }
  return texts;
}

}  // namespace larimar::launch

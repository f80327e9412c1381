#include "common/text/text_stream.h"

#include <zstd.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::text {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 18;

struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct TextStream::State {
  explicit State(std::filesystem::path path) : file(std::move(path)) {
    if (file.path().extension() == ".zst") decompressor.reset(ZSTD_createDCtx());
  }

  /// Appends more text to `buffer`. False when there is no more.
  bool refill() {
    buffer.erase(0, position);
    position = 0;
    return decompressor ? decompress() : copy();
  }

  bool copy() {
    const std::string_view chunk = file.text().substr(consumed, kChunkBytes);
    consumed += chunk.size();
    buffer += chunk;
    return !chunk.empty();
  }

  bool decompress() {
    ZSTD_inBuffer input{file.bytes().data(), file.bytes().size(), consumed};
    const std::size_t old_size = buffer.size();
    buffer.resize(old_size + kChunkBytes);
    ZSTD_outBuffer output{buffer.data() + old_size, kChunkBytes, 0};
    while (output.pos == 0 && (input.pos < input.size || frame_open)) {
      const std::size_t before = input.pos;
      const std::size_t result = ZSTD_decompressStream(decompressor.get(), &output, &input);
      if (ZSTD_isError(result) != 0) damaged(ZSTD_getErrorName(result));
      frame_open = result != 0;
      if (frame_open && output.pos == 0 && input.pos == before) damaged("it ends in the middle of a frame");
    }
    consumed = input.pos;
    buffer.resize(old_size + output.pos);
    return output.pos > 0;
  }

  [[noreturn]] void damaged(const std::string& cause) const {
    throw base::FormatError("cannot decompress " + file.path().string() + " near byte " + std::to_string(consumed) +
                            ": " + cause + "; check the file with zstd -t");
  }

  base::MappedFile file;
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> decompressor;
  std::size_t consumed = 0;  // bytes of the file
  std::string buffer;        // text not yet given out starts at position
  std::size_t position = 0;
  bool frame_open = false;
};

std::vector<std::filesystem::path> list_text_files(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::directory_iterator entries(folder, failure);
  if (failure) throw base::MissingInputError("cannot list the folder " + folder.string() + ": " + failure.message());
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && (name.ends_with(".txt") || name.ends_with(".txt.zst")))
      paths.push_back(entry.path());
  }
  if (paths.empty()) throw base::MissingInputError("folder " + folder.string() + " has no file *.txt or *.txt.zst");
  std::ranges::sort(paths);
  return paths;
}

TextStream::TextStream(std::filesystem::path path) : state_(std::make_unique<State>(std::move(path))) {}
TextStream::TextStream(TextStream&&) noexcept = default;
TextStream& TextStream::operator=(TextStream&&) noexcept = default;
TextStream::~TextStream() = default;

bool TextStream::read_line(std::string& line) {
  State& state = *state_;
  std::size_t searched = state.position;
  for (;;) {
    const std::size_t newline = state.buffer.find('\n', searched);
    if (newline != std::string::npos) {
      line.assign(state.buffer, state.position, newline - state.position);
      state.position = newline + 1;
      return true;
    }
    searched = state.buffer.size() - state.position;  // refill() moves the rest to the front
    if (state.refill()) continue;
    line.assign(state.buffer, state.position);
    state.position = state.buffer.size();
    return !line.empty();
  }
}

std::string TextStream::read_rest() {
  while (state_->refill()) {
  }
  state_->position = 0;
  return std::exchange(state_->buffer, {});
}

const std::filesystem::path& TextStream::path() const { return state_->file.path(); }

}  // namespace larimar::text

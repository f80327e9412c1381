#include "common/model/safetensors.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "common/base/checked.h"
#include "common/base/error.h"
#include "common/model/safetensors_header.h"

namespace larimar::model {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the limit that other readers of the format use

std::uint64_t read_length(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return length;
}

std::string encode_length(std::uint64_t length) {
  std::string bytes(kLengthBytes, '\0');
  for (std::size_t i = 0; i < kLengthBytes; ++i) bytes[i] = static_cast<char>((length >> (8 * i)) & 0xff);
  return bytes;
}

std::string header_text(const std::map<std::string, TensorView>& tensors,
                        const std::map<std::string, std::string>& metadata, const std::string& where) {
  nlohmann::json header = nlohmann::json::object();  // sorted by name, as is the data
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::string what = where + ": tensor \"" + name + "\"";
    if (name == "__metadata__")
      throw base::FormatError(what + " cannot be written: the format keeps that name for itself");
    const std::uint64_t bytes = tensor_bytes(tensor.dtype, tensor.shape, what);
    if (bytes != tensor.bytes.size()) {
      throw base::ShapeError(what + " brings " + std::to_string(tensor.bytes.size()) +
                             " bytes, but its shape and type need " + std::to_string(bytes));
    }
    const std::uint64_t end = base::checked_add(offset, bytes, where + ": data size");
    header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw base::FormatError(where + ": a tensor name or a metadata text is not valid UTF-8");
  }
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');  // data begins aligned
  if (text.size() > kMaxHeaderBytes)
    throw base::FormatError(where + ": the header would pass " + std::to_string(kMaxHeaderBytes) + " bytes");
  return text;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  const std::string where = path.string();
  const auto bytes = file_.bytes();
  if (bytes.size() < kLengthBytes) {
    throw base::FormatError(where + ": " + std::to_string(bytes.size()) + " bytes are too few for a safetensors file");
  }
  const std::uint64_t length = read_length(bytes);
  const std::uint64_t rest = bytes.size() - kLengthBytes;
  if (length > kMaxHeaderBytes || length > rest) {
    throw base::FormatError(where + ": the header claims " + std::to_string(length) + " bytes, but " +
                            std::to_string(rest) + " follow and " + std::to_string(kMaxHeaderBytes) +
                            " are allowed (not a safetensors file, or cut short)");
  }
  const auto header_bytes = static_cast<std::size_t>(length);
  SafetensorsHeader header =
      parse_safetensors_header(file_.text().substr(kLengthBytes, header_bytes), rest - length, where);
  const auto data = bytes.subspan(kLengthBytes + header_bytes);
  for (TensorClaim& claim : header.tensors) {
    const auto begin = static_cast<std::size_t>(claim.begin);
    const auto size = static_cast<std::size_t>(claim.end - claim.begin);
    tensors_.emplace(std::move(claim.name),
                     TensorView{std::move(claim.dtype), std::move(claim.shape), data.subspan(begin, size)});
  }
  metadata_ = std::move(header.metadata);
}

const TensorView& SafetensorsFile::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw base::FormatError(path().string() + " has no tensor \"" + name + "\"");
  return found->second;
}

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_text(tensors, metadata, path.string());
  base::AtomicFile file(path);
  file.write(encode_length(header.size()));
  file.write(header);
  for (const auto& [name, tensor] : tensors) file.write(tensor.bytes);
  file.commit();
}

}  // namespace larimar::model

#include "decoder/larimar_decoder.h"

#include "common/base/error.h"
namespace larimar::decoder {
std::unique_ptr<model::CodeDecoder> load_larimar_decoder(const std::filesystem::path& folder, const std::string&) {
  throw base::FormatError(folder.string());
}
}  // namespace larimar::decoder

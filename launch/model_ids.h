#pragma once
#include <filesystem>
#include <string>

#include "launch/setup.h"

namespace larimar::launch {

/// The code of a memory that holds codes made elsewhere.
inline constexpr const char* kOwnCodes = "codes from a file";

/// Name and XXH3 of the networks, so that a memory is never read with others. `setup` is resolved. Local; read the weights once.
/// Throws MissingInputError.
[[nodiscard]] std::string model_id(const JobSetup& setup);
[[nodiscard]] std::string keys_id(const JobSetup& setup);
/// --keys of an id that keys_id() made; of any other "model".
[[nodiscard]] std::string keys_named(const std::string& id);
[[nodiscard]] std::string language_id(const JobSetup& setup);
[[nodiscard]] std::string decoder_id(const JobSetup& setup);

/// How the encoder of an id that model_id() made multiplies.
[[nodiscard]] model::Arithmetic arithmetic_of(const std::string& id);
/// "smollm2" of deps/smollm2/.
[[nodiscard]] std::string folder_name(const std::filesystem::path& folder);

}  // namespace larimar::launch

#pragma once
#include <string>

namespace larimar::shard {

/// What a scan passes over. Whatever it is, the answers are those of the float keys, bit for bit: the others only find out
/// which rows need an exact score (docs/numerics.md, "Compressed keys").
enum class KeyStore {
  kFloat32,   // the keys themselves
  kBFloat16,  // 2 bytes a component
  kInt8,      // 1 byte a component, one scale a row
};

/// "fp32", "bf16", "int8". Throws UsageError for anything else.
[[nodiscard]] KeyStore parse_key_store(const std::string& name);
[[nodiscard]] std::string name_of(KeyStore store);

}  // namespace larimar::shard

#include "shard/key_store.h"

#include "common/base/error.h"

namespace larimar::shard {

KeyStore parse_key_store(const std::string& name) {
  if (name == "fp32") return KeyStore::kFloat32;
  if (name == "bf16") return KeyStore::kBFloat16;
  if (name == "int8") return KeyStore::kInt8;
  throw base::UsageError("key store \"" + name + "\" is not known: use fp32, bf16 or int8");
}

std::string name_of(KeyStore store) {
  switch (store) {
    case KeyStore::kBFloat16:
      return "bf16";
    case KeyStore::kInt8:
      return "int8";
    case KeyStore::kFloat32:
      break;
  }
  return "fp32";
}

}  // namespace larimar::shard

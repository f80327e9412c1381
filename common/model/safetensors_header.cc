#include "common/model/safetensors_header.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "common/base/checked.h"
#include "common/base/error.h"

namespace larimar::model {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 3;  // header > tensor > shape

/// Watches the parser: it would keep the last of two equal names and follow any depth.
class HeaderGuard {
 public:
  explicit HeaderGuard(const std::string& where) : where_(where) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= kMaxDepth)
      throw base::FormatError(where_ + ": the header is nested deeper than a tensor's shape");
    if (event == Event::object_start) names_.emplace_back();
    if (event == Event::object_end) names_.pop_back();
    if (event == Event::key && !names_.back().insert(value.get<std::string>()).second) {
      throw base::FormatError(where_ + ": the name \"" + value.get<std::string>() +
                              "\" occurs twice in one object of the header");
    }
    return true;
  }

 private:
  const std::string& where_;
  std::vector<std::set<std::string>> names_;
};

Json parse_json(std::string_view text, const std::string& where) {
  // The parser takes a byte order mark, blanks and what follows a NUL for granted; the format has none of them.
  if (text.empty() || text.front() != '{')
    throw base::FormatError(where + ": the header at byte 8 does not begin with '{'");
  if (text.find('\0') != text.npos) {
    throw base::FormatError(where + ": NUL in the header at byte " + std::to_string(8 + text.find('\0')));
  }
  try {
    return Json::parse(text.begin(), text.end(), HeaderGuard(where));
  } catch (const Json::parse_error& error) {
    throw base::FormatError(where + ": the header is not JSON near byte " + std::to_string(8 + error.byte));
  } catch (const Json::exception& error) {
    throw base::FormatError(where + ": the header is not usable JSON: " + error.what());
  }
}

std::vector<std::uint64_t> read_sizes(const Json& value, const std::string& what) {
  if (!value.is_array()) throw base::FormatError(what + " must be a list of sizes");
  std::vector<std::uint64_t> sizes;
  for (const Json& item : value) {
    if (!item.is_number_unsigned())
      throw base::FormatError(what + " holds " + item.dump() + " where a size was expected");
    sizes.push_back(item.get<std::uint64_t>());
  }
  return sizes;
}

TensorClaim read_claim(const std::string& name, const Json& value, const std::string& where) {
  const std::string what = where + ": tensor \"" + name + "\"";
  const bool complete = value.is_object() && value.size() == 3 && value.contains("dtype") && value.contains("shape") &&
                        value.contains("data_offsets") && value["dtype"].is_string();
  if (!complete) throw base::FormatError(what + " must have exactly a dtype, a shape and data_offsets");
  TensorClaim claim{
      .name = name, .dtype = value["dtype"].get<std::string>(), .shape = read_sizes(value["shape"], what + ": shape")};
  const auto offsets = read_sizes(value["data_offsets"], what + ": data_offsets");
  if (offsets.size() != 2) throw base::FormatError(what + ": data_offsets must be [begin, end]");
  std::tie(claim.begin, claim.end) = std::pair(offsets[0], offsets[1]);
  if (claim.begin > claim.end)
    throw base::FormatError(what + " ends at " + std::to_string(claim.end) + ", before it begins at " +
                            std::to_string(claim.begin));
  const std::uint64_t expected = tensor_bytes(claim.dtype, claim.shape, what);
  if (claim.end - claim.begin != expected) {
    throw base::FormatError(what + " has " + std::to_string(claim.end - claim.begin) + " bytes by its offsets, but " +
                            std::to_string(expected) + " by its shape and type");
  }
  return claim;
}

std::map<std::string, std::string> read_metadata(const Json& value, const std::string& where) {
  if (!value.is_object()) throw base::FormatError(where + ": __metadata__ must be an object of strings");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw base::FormatError(where + ": __metadata__ \"" + key + "\" must be a string");
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

/// Claims sorted by offset must cover [0, data_bytes) exactly once.
void check_cover(const std::vector<TensorClaim>& claims, std::uint64_t data_bytes, const std::string& where) {
  std::uint64_t covered = 0;
  for (const TensorClaim& claim : claims) {
    const std::string what = where + ": tensor \"" + claim.name + "\" ";
    if (claim.end > data_bytes) {
      throw base::FormatError(what + "ends at data byte " + std::to_string(claim.end) + ", but the file holds " +
                              std::to_string(data_bytes) + " (cut short? copy it again)");
    }
    if (claim.begin != covered) {
      throw base::FormatError(
          what + (claim.begin < covered ? "overlaps the tensor before it" : "leaves a gap before it") +
          ": begins at data byte " + std::to_string(claim.begin) + ", expected " + std::to_string(covered));
    }
    covered = claim.end;
  }
  if (covered != data_bytes) {
    throw base::FormatError(where + ": " + std::to_string(data_bytes - covered) +
                            " bytes after the last tensor belong to none");
  }
}

}  // namespace

std::uint64_t element_bytes(std::string_view dtype) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 15> kSizes{{{"BOOL", 1},
                                                                               {"U8", 1},
                                                                               {"I8", 1},
                                                                               {"F8_E4M3", 1},
                                                                               {"F8_E5M2", 1},
                                                                               {"U16", 2},
                                                                               {"I16", 2},
                                                                               {"F16", 2},
                                                                               {"BF16", 2},
                                                                               {"U32", 4},
                                                                               {"I32", 4},
                                                                               {"F32", 4},
                                                                               {"U64", 8},
                                                                               {"I64", 8},
                                                                               {"F64", 8}}};
  const auto* const found =
      std::find_if(kSizes.begin(), kSizes.end(), [&](const auto& entry) { return entry.first == dtype; });
  return found == kSizes.end() ? 0 : found->second;
}

std::uint64_t tensor_bytes(std::string_view dtype, const std::vector<std::uint64_t>& shape, const std::string& what) {
  std::uint64_t bytes = element_bytes(dtype);
  if (bytes == 0) throw base::FormatError(what + " has the unknown type \"" + std::string(dtype) + "\"");
  for (const std::uint64_t extent : shape) bytes = base::checked_multiply(bytes, extent, what + ": size");
  return bytes;
}

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const std::string& where) {
  const Json json = parse_json(text, where);
  SafetensorsHeader header;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      header.metadata = read_metadata(value, where);
    } else {
      header.tensors.push_back(read_claim(name, value, where));
    }
  }
  std::sort(header.tensors.begin(), header.tensors.end(), [](const TensorClaim& a, const TensorClaim& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  check_cover(header.tensors, data_bytes, where);
  return header;
}

}  // namespace larimar::model

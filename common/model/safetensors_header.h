#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace larimar::model {

/// What the header claims about one tensor; checked in itself, not yet against the data part.
struct TensorClaim {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // in the data part
  std::uint64_t end = 0;    // begin + shape product x element size
};

struct SafetensorsHeader {
  std::vector<TensorClaim> tensors;  // by begin, then end
  std::map<std::string, std::string> metadata;
};

/// Bytes of one element, 0 for a type that is not known here.
[[nodiscard]] std::uint64_t element_bytes(std::string_view dtype);

/// Product of the shape times the element size. Throws FormatError, with `what` in the text, where it overflows or the
/// type is unknown.
[[nodiscard]] std::uint64_t tensor_bytes(std::string_view dtype, const std::vector<std::uint64_t>& shape,
                                         const std::string& what);

/// Reads the JSON header. `where` names the file in errors. Tensors are checked to lie one after another without gap
/// or overlap from 0 to data_bytes.
/// Throws FormatError: not JSON, nested too deep, a name twice, unknown type, sizes that disagree.
/// Cost   linear in the text; nothing is allocated for the sizes that the text claims.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes,
                                                         const std::string& where);

}  // namespace larimar::model

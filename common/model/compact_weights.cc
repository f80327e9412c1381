#include "common/model/compact_weights.h"

#include <torch/torch.h>

#include <vector>

#include "common/base/error.h"

namespace larimar::model {
namespace {

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const auto size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

std::vector<std::uint64_t> shape_of(const torch::Tensor& tensor) {
  return {tensor.sizes().begin(), tensor.sizes().end()};
}

// What is wrong with a stored tensor as the value of a parameter, or nothing.
std::string mismatch(const SafetensorsFile& file, const std::string& name, const torch::Tensor& parameter) {
  const auto found = file.tensors().find(name);
  const std::string expected = "expected " + shape_text(shape_of(parameter));
  if (found == file.tensors().end()) return name + " is missing (" + expected + ")";
  if (found->second.shape != shape_of(parameter))
    return name + ": " + expected + ", found " + shape_text(found->second.shape);
  if (found->second.dtype != "F32" && found->second.dtype != "F16")
    return name + ": dtype " + found->second.dtype + " is neither F32 nor F16";
  return "";
}

}  // namespace

void load_weights(CompactNetworkImpl& network, const SafetensorsFile& file) {
  const auto parameters = network.named_parameters();
  std::string faults;
  for (const auto& item : parameters) {
    if (const std::string fault = mismatch(file, item.key(), item.value()); !fault.empty()) faults += "\n  " + fault;
  }
  for (const auto& [name, view] : file.tensors()) {
    if (parameters.find(name) == nullptr)
      faults += "\n  " + name + " " + shape_text(view.shape) + " is unknown to this architecture";
  }
  if (!faults.empty()) throw base::FormatError(file.path().string() + " does not fit its config.json:" + faults);
  torch::NoGradGuard guard;
  for (const auto& item : parameters) {
    const TensorView& view = file.at(item.key());
    const auto type = view.dtype == "F16" ? torch::kFloat16 : torch::kFloat32;
    auto* data = const_cast<std::byte*>(view.bytes.data());  // from_blob wants it mutable; it is only read
    item.value().copy_(torch::from_blob(data, item.value().sizes(), type));
  }
}

void save_weights(CompactNetworkImpl& network, const std::filesystem::path& path, StoredPrecision precision,
                  const std::map<std::string, std::string>& metadata) {
  const bool half = precision == StoredPrecision::kFloat16;
  std::vector<torch::Tensor> owners;
  std::map<std::string, TensorView> views;
  for (const auto& item : network.named_parameters()) {
    owners.push_back(item.value().detach().to(torch::kCPU, half ? torch::kFloat16 : torch::kFloat32).contiguous());
    const torch::Tensor& tensor = owners.back();
    views[item.key()] = {
        half ? "F16" : "F32", shape_of(tensor), {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}};
  }
  write_safetensors(path, views, metadata);
}

}  // namespace larimar::model

#include "train/checkpoint.h"

#include <torch/torch.h>

#include <map>
#include <string>

#include "common/base/error.h"
#include "common/model/safetensors.h"

namespace larimar::train {
namespace {

torch::Tensor on_cpu(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
}

model::TensorView view_of(const torch::Tensor& tensor) {
  return {"F32",
          {static_cast<std::uint64_t>(tensor.numel())},
          {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}};
}

void read_into(torch::Tensor& target, const model::SafetensorsFile& file, const std::string& name) {
  const model::TensorView& view = file.at(name);
  if (view.dtype != "F32" || view.shape != std::vector<std::uint64_t>{static_cast<std::uint64_t>(target.numel())}) {
    throw base::FormatError(file.path().string() + ": " + name +
                            " is of another model; use another --out or the same sizes");
  }
  torch::NoGradGuard guard;
  target.copy_(torch::from_blob(const_cast<std::byte*>(view.bytes.data()), {target.numel()}, torch::kFloat32));
}

std::uint64_t number(const model::SafetensorsFile& file, const std::string& name) {
  const auto found = file.metadata().find(name);
  try {
    if (found != file.metadata().end()) return std::stoull(found->second);
  } catch (const std::exception&) {  // reported below with the file's name
  }
  throw base::FormatError(file.path().string() + ": metadata \"" + name + "\" is missing or no number");
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, FlatParameters& parameters, const AdamW& optimiser,
                     const Progress& progress) {
  const std::map<std::string, torch::Tensor> tensors{{"values", on_cpu(parameters.values())},
                                                     {"first", on_cpu(optimiser.first)},
                                                     {"second", on_cpu(optimiser.second)},
                                                     {"average", on_cpu(optimiser.average)}};
  std::map<std::string, model::TensorView> views;
  for (const auto& [name, tensor] : tensors) views[name] = view_of(tensor);
  write_safetensors(path, views,
                    {{"step", std::to_string(progress.step)},
                     {"updates", std::to_string(optimiser.steps)},
                     {"epoch", std::to_string(progress.stream.epoch)},
                     {"pool", std::to_string(progress.stream.pool)},
                     {"batch", std::to_string(progress.stream.batch)},
                     {"seconds", std::to_string(static_cast<std::uint64_t>(progress.seconds))}});
}

Progress load_checkpoint(const std::filesystem::path& path, FlatParameters& parameters, AdamW& optimiser) {
  const model::SafetensorsFile file(path);
  read_into(parameters.values(), file, "values");
  read_into(optimiser.first, file, "first");
  read_into(optimiser.second, file, "second");
  read_into(optimiser.average, file, "average");
  optimiser.steps = static_cast<std::int64_t>(number(file, "updates"));
  return {static_cast<std::int64_t>(number(file, "step")),
          {number(file, "epoch"), number(file, "pool"), number(file, "batch")},
          static_cast<double>(number(file, "seconds"))};
}

}  // namespace larimar::train

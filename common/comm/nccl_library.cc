#include "common/comm/nccl_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <utility>

#include "common/base/error.h"

namespace larimar::comm {
namespace {

constexpr const char* kVariable = "LARIMAR_NCCL_LIBRARY";
constexpr const char* kUsualName = "libnccl.so.2";
constexpr const char* kAdvice =
    "install NCCL 2.10 or later of the CUDA version of the driver, name its file with LARIMAR_NCCL_LIBRARY, or decode "
    "with one GPU";

std::string chosen(const std::string& path) {
  if (!path.empty()) return path;
  const char* named = std::getenv(kVariable);
  return named != nullptr && *named != '\0' ? named : kUsualName;
}

[[noreturn]] void refuse(const std::string& found) { throw base::ConfigError(found + "; " + kAdvice); }

std::string text_of(int version) {
  // From 2.9 on two digits each for minor and patch; before, one for minor: 2804 was 2.8.4.
  const int thousand = version >= 10000 ? 10000 : 1000;
  return std::to_string(version / thousand) + "." + std::to_string(version % thousand / 100) + "." +
         std::to_string(version % 100);
}

template <class Function>
void find(void* handle, const std::string& path, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) refuse(path + " has no function " + name + ", so it is not NCCL 2");
}

}  // namespace

std::shared_ptr<const NcclLibrary> NcclLibrary::open(const std::string& path) {
  return std::shared_ptr<const NcclLibrary>(new NcclLibrary(chosen(path)));
}

NcclLibrary::NcclLibrary(std::string path) : path_(std::move(path)) {
  void* handle = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    refuse("NCCL cannot be opened (" + std::string(why != nullptr ? why : path_) + ")");
  }
  find(handle, path_, "ncclGetVersion", functions_.GetVersion);
  find(handle, path_, "ncclGetUniqueId", functions_.GetUniqueId);
  find(handle, path_, "ncclCommInitRank", functions_.CommInitRank);
  find(handle, path_, "ncclCommDestroy", functions_.CommDestroy);
  find(handle, path_, "ncclCommAbort", functions_.CommAbort);
  find(handle, path_, "ncclCommGetAsyncError", functions_.CommGetAsyncError);
  find(handle, path_, "ncclAllReduce", functions_.AllReduce);
  find(handle, path_, "ncclAllGather", functions_.AllGather);
  find(handle, path_, "ncclBroadcast", functions_.Broadcast);
  find(handle, path_, "ncclGroupStart", functions_.GroupStart);
  find(handle, path_, "ncclGroupEnd", functions_.GroupEnd);
  find(handle, path_, "ncclGetErrorString", functions_.GetErrorString);
  if (functions_.GetVersion(&version_) != NcclResult::kOk) refuse(path_ + " does not tell its version");
  if (version_ < kNcclOldest || version_ >= kNcclEnd)
    refuse(path_ + " is NCCL " + text_of(version_) + ", expected is 2.10 or a later 2");
}

std::string NcclLibrary::version_text() const { return text_of(version_); }

}  // namespace larimar::comm

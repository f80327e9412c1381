// In place of libtorch_cuda.so of another LibTorch: it needs a symbol that the one at hand does not have.
extern "C" int symbol_of_another_libtorch();
namespace {
const int kNeeded = symbol_of_another_libtorch();
}  // namespace
extern "C" int fake_cuda_is_here() { return kNeeded; }

# LibTorch from the unpacked wheel under LARIMAR_DEPS/libtorch. Links torch_cpu and c10 only, so that one program runs on
# machines with and without CUDA. Headers come last in the search order (-idirafter), because the wheel carries old
# protobuf headers that would hide the system's.
set(root ${LARIMAR_DEPS}/libtorch)
find_library(LibTorch_CPU NAMES torch_cpu PATHS ${root}/torch/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10 NAMES c10 PATHS ${root}/torch/lib NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_CPU LibTorch_C10
  REASON_FAILURE_MESSAGE "LibTorch is not in ${root}: run launch/install.sh first, or configure with -DLARIMAR_WITH_TORCH=OFF")
if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_compile_options(LibTorch::LibTorch INTERFACE
    "SHELL:-idirafter ${root}/torch/include" "SHELL:-idirafter ${root}/torch/include/torch/csrc/api/include")
  target_link_libraries(LibTorch::LibTorch INTERFACE ${LibTorch_CPU} ${LibTorch_C10})
  # CMake itself gives a program of the build folder the run path of what it links; an installed one gets another. The
  # libraries find the CUDA runtime from where they lie.
  target_link_options(LibTorch::LibTorch INTERFACE "LINKER:-rpath-link,${root}/nvidia/cu13/lib" "LINKER:--allow-shlib-undefined")
endif()

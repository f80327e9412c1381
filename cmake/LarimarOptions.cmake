# Build-wide choices. Nothing here depends on the machine: SIMD is chosen at run time, never by -march=native.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(LARIMAR_TESTS "Build the tests" ON)
option(LARIMAR_BENCH "Build the benchmarks" ON)
option(LARIMAR_WITH_TORCH "Build the parts that need LibTorch: networks, decoder, trainer and the program itself" ON)
option(LARIMAR_SANITIZE "Compile with address and undefined-behaviour sanitizers" OFF)
option(LARIMAR_FAILPOINTS "Compile in the failpoints that tests arm with the environment variable LARIMAR_FAILPOINT" ON)
set(LARIMAR_MPI "default" CACHE STRING "default: what FindMPI finds first; openmpi5: the one in LARIMAR_DEPS; mpich")
set_property(CACHE LARIMAR_MPI PROPERTY STRINGS default openmpi5 mpich)
set(LARIMAR_DEPS "${CMAKE_SOURCE_DIR}/.deps" CACHE PATH "Folder that launch/install.sh fills")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(LLD ld.lld)
if(LLD)
  add_link_options(-fuse-ld=lld)
endif()

# One interface target carries what every target of ours is compiled with.
add_library(larimar_flags INTERFACE)
target_include_directories(larimar_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
target_compile_options(larimar_flags INTERFACE
  -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # GCC 12 sees overlap in `"literal" + std::string` where there is none (its bug 105651)
target_compile_definitions(larimar_flags INTERFACE $<$<NOT:$<CONFIG:Release>>:LARIMAR_CONTRACTS=1>
  $<$<BOOL:${LARIMAR_FAILPOINTS}>:LARIMAR_FAILPOINTS=1>)
if(LARIMAR_SANITIZE)
  target_compile_options(larimar_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer -g1)
  target_link_options(larimar_flags INTERFACE -fsanitize=address,undefined)
endif()

# Compiles every header alone (twice in a row, which also proves its #pragma once), as part of the normal build: the
# object library larimar_headers. Without LibTorch, headers that reach it are left out.
function(larimar_check_headers)
  set(listing --headers)
  if(NOT LARIMAR_WITH_TORCH)
    set(listing --headers-without-torch)
  endif()
  file(GLOB_RECURSE all_headers CONFIGURE_DEPENDS LIST_DIRECTORIES false RELATIVE ${CMAKE_SOURCE_DIR}
    common/*.h coordinator/*.h shard/*.h decoder/*.h train/*.h eval/*.h launch/*.h cluster/*.h tests/*.h bench/*.h)
  execute_process(COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_includes.py --root ${CMAKE_SOURCE_DIR} ${listing}
    OUTPUT_VARIABLE headers OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" headers "${headers}")

  set(sources)
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "[/.]" "_" name ${header})
    set(source ${CMAKE_BINARY_DIR}/header_check/${name}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n#include \"${header}\"\n" @ONLY)
    list(APPEND sources ${source})
  endforeach()
  add_library(larimar_headers OBJECT ${sources})
  target_compile_options(larimar_headers PRIVATE -O0 -g0)
  # Usage requirements only: where the third parties' headers lie.
  target_link_libraries(larimar_headers PRIVATE larimar_flags GTest::gmock Eigen3::Eigen MPI::MPI_CXX spdlog::spdlog
    nlohmann_json::nlohmann_json CLI11::CLI11 PkgConfig::OPENBLAS PkgConfig::UTF8PROC PkgConfig::ZSTD PkgConfig::XXHASH)
  if(LARIMAR_WITH_TORCH)
    target_link_libraries(larimar_headers PRIVATE LibTorch::LibTorch)
  endif()
  # Headers that protoc writes must be there first.
  if(TARGET larimar_wire)
    add_dependencies(larimar_headers larimar_wire)
  endif()
endfunction()

# cmake --install, find_package(Larimar) and the Debian packages (cpack -G DEB).
#   bin/larimar, bin/larimar-setup            the program, and what fetches LibTorch into lib/larimar
#   bin/larimar-submit                        batch jobs
#   share/larimar/{models,tools,launch}       what the program looks for at run time
#   include/larimar, lib/liblarimar_*.a,
#   lib/cmake/Larimar                         the parts without LibTorch, as targets Larimar::shard, Larimar::coordinator, ..
# LibTorch is not in a package. Its libraries need NVIDIA's, which may not be handed on together with Xapian's licence, and
# they would make each package twenty times as large. larimar-setup fetches it once, for all versions, by hash.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(library_parts base linalg memory comm text wire store model_files shard coordinator)
set(library_targets larimar_flags larimar_proto larimar_memory_proto)

set_target_properties(larimar_flags PROPERTIES EXPORT_NAME flags)
foreach(part IN LISTS library_parts)
  set_target_properties(larimar_${part} PROPERTIES EXPORT_NAME ${part})
  list(APPEND library_targets larimar_${part})
endforeach()
install(TARGETS ${library_targets} EXPORT LarimarTargets ARCHIVE COMPONENT dev)
install(EXPORT LarimarTargets NAMESPACE Larimar:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Larimar COMPONENT dev)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/LarimarConfig.cmake.in ${CMAKE_BINARY_DIR}/LarimarConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Larimar)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/LarimarConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/LarimarConfig.cmake ${CMAKE_BINARY_DIR}/LarimarConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Larimar COMPONENT dev)

find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
execute_process(COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_includes.py --root ${CMAKE_SOURCE_DIR} --headers-without-torch
  OUTPUT_VARIABLE headers OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" headers "${headers}")
list(FILTER headers INCLUDE REGEX "^(common|shard|coordinator)/")
foreach(header IN LISTS headers)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/larimar/${folder} COMPONENT dev)
endforeach()

if(NOT LARIMAR_WITH_TORCH)
  return()
endif()
install(TARGETS larimar RUNTIME COMPONENT program)
install(PROGRAMS cluster/debian/larimar-setup launch/larimar-submit TYPE BIN COMPONENT program)
install(DIRECTORY models/larimar-compact models/larimar-smol models/static-keys DESTINATION ${CMAKE_INSTALL_DATADIR}/larimar/models COMPONENT program)
install(FILES launch/common.sh launch/requirements.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/larimar/launch COMPONENT program)
install(PROGRAMS launch/install.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/larimar/launch COMPONENT program)
install(FILES tools/convert_gguf.py tools/convert_larimar.py tools/gguf_tokenizer.py tools/safetensors_writer.py
  tools/sentencepiece_tokenizer.py tools/torch_zip.py DESTINATION ${CMAKE_INSTALL_DATADIR}/larimar/tools COMPONENT program)
install(DIRECTORY cluster/slurm cluster/modules DESTINATION ${CMAKE_INSTALL_DATADIR}/larimar/cluster COMPONENT program)
include(LarimarPackage)

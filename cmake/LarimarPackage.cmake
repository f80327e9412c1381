# The Debian packages larimar (the program) and larimar-dev (headers and libraries); docs/clusters.md tells how they are made.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME larimar)
set(CPACK_PACKAGE_VENDOR "Larimar-MPI")
set(CPACK_PACKAGE_CONTACT "Larimar-MPI maintainers <maintainers@larimar.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL program dev)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE gzip)  # weights and hashes hardly shrink; xz would take a minute for a tenth
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "https://larimar.invalid/")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME larimar)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "program of the memory that is sharded over MPI ranks
 Reads texts of any length once, keeps each sentence as one code in a memory
 that is spread over MPI ranks, and answers from that memory. LibTorch is
 fetched by larimar-setup after the installation.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${LARIMAR_DEPS}/libtorch/torch/lib ${LARIMAR_DEPS}/libtorch/nvidia/cu13/lib)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "openmpi-bin, python3, python3-numpy, python3-pip, unzip")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/cluster/debian/postinst)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_DEV_PACKAGE_NAME larimar-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEV_DESCRIPTION "external memory for language models, libraries without LibTorch
 Headers, static libraries and the CMake package Larimar: segments, codes and
 keys, the local memory of a shard, and the coordinator of their reads.")
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libopenmpi-dev, libeigen3-dev, libopenblas-dev, libprotobuf-dev, libspdlog-dev, \
libutf8proc-dev, libzstd-dev, libxxhash-dev, libhwy-dev, nlohmann-json3-dev, pkg-config")
include(CPack)

# What Debian's policy wants beside the files: copyright and changelog, from NOTICE and the version.
foreach(package IN ITEMS larimar larimar-dev)
  string(REPLACE "larimar-dev" "dev" component ${package})
  string(REPLACE "larimar" "program" component ${component})
  install(FILES cluster/debian/copyright NOTICE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
  install(FILES ${CMAKE_BINARY_DIR}/changelog.Debian.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
  install(FILES cluster/debian/${package}.lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
    COMPONENT ${component} RENAME ${package})
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/changelog.Debian @ONLY CONTENT [[larimar (@LARIMAR_VERSION@-1) unstable; urgency=medium

  * Version @LARIMAR_VERSION@.

 -- Larimar-MPI maintainers <maintainers@larimar.invalid>  Thu, 01 Jan 2026 00:00:00 +0000
]])
find_program(GZIP gzip REQUIRED)
execute_process(COMMAND ${GZIP} -9 -n -k -f ${CMAKE_BINARY_DIR}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)

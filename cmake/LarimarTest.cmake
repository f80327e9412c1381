# larimar_add_test(NAME SOURCES a.cc .. DEPS targets.. [RANKS 1 2 3 5] [LABELS unit ..] [TIMEOUT seconds])
# Without RANKS: one process, GoogleTest's own main. With RANKS: one CTest entry NAME/npR for each, under mpirun, with
# tests/support/mpi_main.cc as main. A pass pattern makes CTest ignore the exit code, so a fail pattern stands beside it.
find_package(GTest REQUIRED)
set(LARIMAR_TEST_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive
  LARIMAR_SOURCE_DIR=${CMAKE_SOURCE_DIR} LARIMAR_DEPS=${LARIMAR_DEPS}
  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1)

function(larimar_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;RANKS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(LARIMAR_SANITIZE)
    math(EXPR ARG_TIMEOUT "3 * ${ARG_TIMEOUT}")
  endif()
  string(REPLACE "/" "_" target "test_${name}")
  add_executable(${target} ${ARG_SOURCES})
  if(NOT ARG_RANKS)
    target_link_libraries(${target} PRIVATE larimar_flags ${ARG_DEPS} GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${target})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
      ENVIRONMENT "${LARIMAR_TEST_ENVIRONMENT}" SKIP_REGULAR_EXPRESSION "LARIMAR SKIPPED"
      PASS_REGULAR_EXPRESSION "\\[  PASSED  \\] [1-9]" FAIL_REGULAR_EXPRESSION "FAILED;ERROR: ")
    return()
  endif()
  target_link_libraries(${target} PRIVATE larimar_flags ${ARG_DEPS} larimar_mpi_main GTest::gmock)
  math(EXPR inner "${ARG_TIMEOUT} - 5")
  foreach(ranks IN LISTS ARG_RANKS)
    larimar_mpiexec(on_ranks ${inner} ${ranks})
    add_test(NAME ${name}/np${ranks} COMMAND ${on_ranks} $<TARGET_FILE:${target}>)
    set_tests_properties(${name}/np${ranks} PROPERTIES TIMEOUT ${ARG_TIMEOUT} PROCESSORS 2 LABELS "mpi;${ARG_LABELS}"
      ENVIRONMENT "${LARIMAR_TEST_ENVIRONMENT}"
      PASS_REGULAR_EXPRESSION "larimar tests PASSED" FAIL_REGULAR_EXPRESSION "FAILED;ERROR: ")
  endforeach()
endfunction()

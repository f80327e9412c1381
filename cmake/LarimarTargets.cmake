# larimar_library(NAME SOURCES... [DEPS targets...]): one static library per folder, named larimar_<folder>.
function(larimar_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(larimar_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(larimar_${name} PUBLIC larimar_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

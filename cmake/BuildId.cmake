# Writes OUTPUT, a source with a hash over the names and bytes of all sources of the program: the same sources have the same
# hash on every machine and in every folder, with git or without. Run as a script: cmake -DROOT=.. -DLIST=.. -DOUTPUT=.. -P
file(STRINGS ${LIST} sources)
set(all "")
foreach(source IN LISTS sources)
  file(SHA256 ${ROOT}/${source} hash)
  string(APPEND all "${source} ${hash}\n")
endforeach()
string(SHA256 hash "${all}")
string(SUBSTRING ${hash} 0 12 hash)
file(WRITE ${OUTPUT} "#include \"launch/build.h\"\n\nnamespace larimar::launch {\nconst char* sources_hash() { return \"${hash}\"; }\n}  // namespace larimar::launch\n")

-- Lmod module file. Set `prefix` to where `cmake --install` put larimar, and copy to MODULEPATH/larimar/VERSION.lua.
help([[Larimar-MPI: an external memory for language models, sharded over MPI ranks.
After loading: larimar doctor tells whether this machine is ready.]])
whatis("Name: larimar")
whatis("Description: external memory for language models, sharded over MPI ranks")

local prefix = os.getenv("LARIMAR_PREFIX") or "/opt/larimar"

-- The MPI that larimar was built with; another one's mpirun starts ranks that do not find each other.
depends_on("openmpi")
conflict("larimar")

prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("CMAKE_PREFIX_PATH", prefix)
setenv("LARIMAR_HOME", pathJoin(prefix, "share/larimar"))
setenv("LARIMAR_DEPS", pathJoin(prefix, "lib/larimar"))
-- Ranks share cores with each other, so they must not spin while they wait.
setenv("OMP_NUM_THREADS", "1")
setenv("OMP_WAIT_POLICY", "passive")

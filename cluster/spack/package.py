# Spack package: copy to REPO/packages/larimar/package.py. Checked for its syntax and its names; Spack itself did not run it.
from spack.package import *


class Larimar(CMakePackage):
    """External memory for language models, sharded over MPI ranks."""

    homepage = "https://larimar.invalid/"
    git = "https://larimar.invalid/larimar.git"  # set to where your site keeps its clone

    version("main", branch="main")

    variant("torch", default=True, description="The program and its networks; without it only the libraries")
    variant("tests", default=False, description="Build the tests")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("python@3.9:", type=("build", "run"))
    depends_on("mpi@3.1:")
    depends_on("eigen@3.4:")
    depends_on("openblas threads=none")
    depends_on("protobuf@3.21:3.21")
    depends_on("nlohmann-json@3.11:")
    depends_on("spdlog@1.10:")
    depends_on("cli11@2.1:")
    depends_on("yaml-cpp@0.7:")
    depends_on("xxhash@0.8:")
    depends_on("zstd@1.5:")
    depends_on("utf8proc@2.8:")
    depends_on("xapian-core@1.4:")
    depends_on("hwloc@2.9:")
    depends_on("highway@1.0.3:")
    depends_on("googletest@1.12: +gmock", when="+tests")

    conflicts("%gcc@:11", msg="C++20 as used here needs GCC 12 or later")

    # LibTorch comes from the wheel that launch/install.sh fetches by hash, not from py-torch: one tested build everywhere.
    @property
    def deps(self):
        return join_path(self.prefix.lib, "larimar")

    @run_before("cmake")
    def fetch_libtorch(self):
        if "+torch" in self.spec:
            script = Executable(join_path(self.stage.source_path, "launch", "install.sh"))
            script("--no-apt", extra_env={"LARIMAR_DEPS": self.deps})

    def cmake_args(self):
        return [
            self.define_from_variant("LARIMAR_WITH_TORCH", "torch"),
            self.define_from_variant("LARIMAR_TESTS", "tests"),
            self.define("LARIMAR_BENCH", False),
            self.define("LARIMAR_DEPS", self.deps),
        ]

    def setup_run_environment(self, env):
        env.set("LARIMAR_HOME", join_path(self.prefix.share, "larimar"))
        env.set("LARIMAR_DEPS", self.deps)

#!/usr/bin/env python3
"""What is installed works by itself: below a prefix that moves, for another CMake project, and as Debian packages in a clean
root file system. Called with the build folder as last argument."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import launches
import harness
from launches import LaunchTest, skip_loudly

BUILD = pathlib.Path(sys.argv.pop(4)).resolve()
SUITE = "bookworm"


def deps() -> pathlib.Path:
    return pathlib.Path(os.environ.get("LARIMAR_DEPS") or harness.settings.source / ".deps").resolve()


def run(*command, timeout=120, **options) -> subprocess.CompletedProcess:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=timeout, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done


class PackageTest(LaunchTest):
    def install(self) -> pathlib.Path:
        prefix = self.folder / "prefix"
        for component in ("program", "dev"):
            run("cmake", "--install", BUILD, "--prefix", prefix, "--component", component)
        return prefix

    # Nothing of the source tree may help.
    ALONE = {"LARIMAR_HOME": "/nonexistent", "LARIMAR_DEPS": "", "LD_LIBRARY_PATH": ""}


class Installed(PackageTest):
    def test_program_below_a_prefix_that_moves(self):
        prefix = self.install()
        (prefix / "lib" / "larimar").symlink_to(deps())
        moved = self.folder / "elsewhere"
        prefix.rename(moved)
        program = moved / "bin" / "larimar"
        info = harness.Run([], command=[program, "info", "--json"], environment=self.ALONE, cwd="/").wait()
        self.assertEqual(info.code, 0, info.err)
        self.assertEqual(json.loads(info.out)["model"], str(moved / "share/larimar/models/larimar-compact"))
        self.assertEqual(json.loads(info.out)["keys_folder"], str(moved / "lib/larimar/minilm"))
        self.assert_done(harness.Run([], command=[harness.settings.mpirun, "--oversubscribe", "-n", "2", *self.command(program)],
                                     environment=self.ALONE, cwd="/").wait())
        self.assertIn("48213", self.answers()[0]["answer"])
        # Wherever Slurm is, the submit helper finds program and templates of this prefix.
        submit = harness.Run([], command=[moved / "bin" / "larimar-submit", *self.command(program)[1:], "--dry-run"], environment=self.ALONE, cwd="/").wait()
        self.assertIn(submit.code, (0, 78), submit.err)
        if submit.code == 0:
            self.assertIn(str(moved / "share/larimar/cluster/slurm/larimar.sbatch"), submit.out)
        else:
            self.assertRegex(submit.err, "(?i)slurm|munge")
        text = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True, timeout=60).stdout
        self.assertEqual(re.findall(r"\(RU?N?PATH\).*\[(.*)\]", text), ["$ORIGIN/../lib/larimar/libtorch/torch/lib"])

    def test_setup_names_what_it_cannot_write(self):
        prefix = self.install()
        (prefix / "lib" / "larimar").write_text("a file in the way", encoding="utf-8")
        done = subprocess.run([prefix / "bin" / "larimar-setup"], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "LARIMAR_DEPS": ""})
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertIn("prefix/lib/larimar", done.stderr)

    def test_a_project_of_somebody_else(self):
        prefix = self.install()
        consumer, build = pathlib.Path(__file__).resolve().parent / "consumer", self.folder / "consumer"
        run("cmake", "-S", consumer, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
        run("cmake", "--build", build, timeout=300)
        files = (build / "build.ninja").read_text(encoding="utf-8")
        self.assertNotIn(str(harness.settings.source / "common"), files, "headers come from the prefix")
        for ranks in (1, 3):
            done = harness.Run([], command=[harness.settings.mpirun, "--oversubscribe", "-n", ranks, build / "consumer"]).wait()
            self.assertEqual((done.code, done.out), (0, f"consumer: {2 * ranks} segments on {ranks} ranks\n"), done.err)

    def test_a_newer_larimar_than_is_there(self):
        prefix = self.install()
        self.write("newer/CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(newer LANGUAGES C CXX)\nfind_package(Larimar 9.0 REQUIRED)\n")
        done = subprocess.run(["cmake", "-S", self.folder / "newer", "-B", self.folder / "b", f"-DCMAKE_PREFIX_PATH={prefix}"],
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("0.1.0", done.stderr)


class Debian(PackageTest):
    def packages(self) -> dict[str, pathlib.Path]:
        if shutil.which("dpkg-shlibdeps") is None:
            skip_loudly("Debian packages: there is no dpkg-dev")
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", self.folder / "packages", timeout=240)
        found = {path.name.split("_")[0]: path for path in (self.folder / "packages").glob("*.deb")}
        self.assertEqual(set(found), {"larimar", "larimar-dev"})
        return found

    def depends(self, package: pathlib.Path) -> list[str]:
        text = run("dpkg-deb", "-f", package, "Depends").stdout
        return sorted({re.split(r"[ |(]", word.strip())[0] for word in text.split(",")})

    @staticmethod
    def real(name: str) -> str:
        """debootstrap knows no virtual packages: the first one that provides it."""
        told = run("apt-cache", "showpkg", name).stdout
        if not told.partition("\nVersions:")[2].partition("Reverse Depends:")[0].strip():
            if provided := told.partition("Reverse Provides:")[2].split():
                return provided[0]
        return name

    def base(self, wanted: list[str]) -> pathlib.Path:
        """A tar of a minimal Debian with the packages, made once and kept beside the builds."""
        name = hashlib.sha256(",".join(wanted).encode()).hexdigest()[:12]
        tar = harness.settings.source / "build" / f"debian-{SUITE}-{name}.tar"
        if tar.exists():
            return tar
        if os.geteuid() != 0 or shutil.which("debootstrap") is None:
            skip_loudly("a clean Debian: debootstrap and root are needed")
        root = self.folder / "root"
        done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(map(self.real, wanted))}", SUITE, root],
                              capture_output=True, text=True, check=False, timeout=420)
        if done.returncode != 0:
            skip_loudly(f"a clean Debian: debootstrap failed ({(done.stdout + done.stderr).strip().splitlines()[-1:]}); is there a package mirror?")
        part = tar.with_suffix(f".{os.getpid()}")
        run("tar", "-C", root, "--exclude=./var/cache/apt/archives/*.deb", "-cf", part, ".", timeout=120)
        part.rename(tar)
        run("rm", "-rf", root)
        return tar

    def inside(self, root: pathlib.Path, script: str) -> str:
        """Runs shell in the file system `root`, in a namespace of its own, so that no mount stays. LibTorch is mounted read-only
        where larimar-setup would put it."""
        (root / "usr/lib/larimar").mkdir(parents=True, exist_ok=True)
        mounts = ('mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/dev/shm" && mount --bind "$1" "$0/usr/lib/larimar" && '
                  'mount -o remount,bind,ro "$0/usr/lib/larimar" && exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root '
                  'OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1 '
                  'OMP_WAIT_POLICY=passive LARIMAR_E2E_MARK=clean sh -ec "$2"')
        for name in ("proc", "dev/shm"):
            (root / name).mkdir(parents=True, exist_ok=True)
        return run("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c", mounts, root, deps(), script, timeout=240).stdout

    def test_packages_have_no_lintian_errors(self):
        if shutil.which("lintian") is None:
            skip_loudly("lintian is not installed")
        weights = sum(path.stat().st_size for path in (harness.settings.source / "models").rglob("*.safetensors"))
        for package in self.packages().values():
            done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", package], capture_output=True, text=True, check=False, timeout=240)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertLess(package.stat().st_size, weights + 10_000_000, "what belongs to no model has grown")

    def test_installed_in_a_clean_debian(self):
        if os.environ.get("LARIMAR_FULL_TESTS") != "1":
            skip_loudly("a clean Debian is fetched in the long form only; LARIMAR_FULL_TESTS=1 does it")
        package = self.packages()["larimar"]
        wanted = self.depends(package)
        for needed in ("openmpi-bin", "libopenblas0", "libxapian30", "libhwloc15"):
            self.assertTrue(any(needed in word for word in wanted), f"{needed} is not among {wanted}")
        root = self.folder / "clean"
        root.mkdir()
        run("tar", "-C", root, "-xf", self.base(wanted), timeout=120)
        shutil.copy2(package, root / "tmp" / "larimar.deb")
        shutil.copy2(self.context, root / "tmp" / "context.txt")
        said = self.inside(root, "dpkg -i /tmp/larimar.deb && larimar --version && mpirun --oversubscribe -n 3 larimar run --context "
                                 f"/tmp/context.txt --keys model --quiet --query '{launches.QUERY}' --out /tmp/out && cat /tmp/out/answers.jsonl")
        self.assertIn("larimar 0.1.0 (build ", said)
        self.assertIn("48213", said)
        said = self.inside(root, "larimar doctor --folder /tmp || [ $? = 3 ]; dpkg -P larimar >/dev/null; ls /usr/bin/larimar /usr/share/larimar 2>&1 || true")
        self.assertIn("ready", said)
        self.assertEqual(said.count("No such file"), 2, "the package takes all of its files with it")


if __name__ == "__main__":
    harness.main()

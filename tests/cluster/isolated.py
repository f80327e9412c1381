"""Namespaces of its own for a test that starts daemons, makes hosts or cuts links: processes, network, mounts, host name and shared
memory. When the test ends, however it ends, the kernel ends everything within and takes the networks and mounts away."""
import os
import shutil
import subprocess
import sys

NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts")
INSIDE = "LARIMAR_ISOLATED"
# Process 1 takes in orphans, so that daemons that ended are seen to have ended.
INIT = """
ip link set lo up && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount -t tmpfs tmpfs /run && mkdir -p /run/netns || exit 78
"$@"
exit $?
"""


def skip(why: str) -> None:
    """Ends the script; CTest counts it as skipped."""
    print(f"LARIMAR SKIPPED: {why}", flush=True)
    sys.exit(0)


def require(programs: dict[str, str]) -> None:
    """Skips unless each program is there; the values are the packages that have them."""
    missing = {package for program, package in programs.items() if shutil.which(program) is None}
    if missing:
        skip(f"missing packages: {', '.join(sorted(missing))}; launch/install.sh --tests installs them")


def enter() -> None:
    """Starts this script again inside, in place of this process. Returns in the one inside."""
    if os.environ.get(INSIDE) == str(os.getppid()) == "1":
        del os.environ[INSIDE]
        return
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    require({"unshare": "util-linux", "ip": "iproute2"})
    if os.geteuid() != 0:
        skip("namespaces of its own take root")
    if subprocess.run(["unshare", *NAMESPACES, "--fork", "--mount-proc", "true"], capture_output=True, timeout=30).returncode != 0:
        skip("this machine allows no namespaces (a container without privileges?)")
    os.environ[INSIDE] = "1"
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "bash", "-c", INIT, "init", sys.executable,
                          *sys.orig_argv[1:]])

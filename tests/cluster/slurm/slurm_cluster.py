"""A Slurm of its own on this machine: munged, slurmctld, and a slurmd for each virtual node. To be used inside isolated.enter(): ports are
free there, and whatever is left ends with the namespaces.

A node is a host name, a shared memory and a TMPDIR of its own; the file system is common, as on a cluster. Nodes have two CPUs each."""
import os
import pathlib
import re
import signal
import subprocess
import time

import isolated

PROGRAMS = {"slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm", "munged": "munge", "runuser": "util-linux"}
PORT = 17000
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"}

# Accounting, cgroups and mail are left out. Not SlurmctldTimeout's defaults: a dead node shall be noticed while a test waits.
SLURM_CONF = """
ClusterName=larimar
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
TmpFS={folder}/spool/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MailProg=/bin/true
MpiDefault=none
MpiParams=ports={steps}-{steps_end}
ReturnToService=2
SlurmdTimeout=20
SlurmctldTimeout=20
MinJobAge=3600
KillWait=2
SlurmdParameters=config_overrides
JobRequeue=1
PropagateResourceLimits=NONE
UnkillableStepTimeout=20
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
# Slurm 22.05 wants a cgroup plugin; this one is never asked to make a group.
CGROUP_CONF = "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainCores=no\nConstrainRAMSpace=no\n"
NODE = 'hostname "$1" && mount -t tmpfs -o size=128m tmpfs "$2" && mount -t tmpfs tmpfs /dev/shm && shift 2 && exec "$@"'


def call(*command, timeout=60, check=True, **options) -> str:
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=timeout, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout.strip()


class Cluster:
    def __init__(self, folder: pathlib.Path, nodes: int):
        self.folder, self.nodes = folder, nodes
        self.tmp = folder / "t"  # each node mounts its own here
        self.munged = ["runuser", "-u", "munge", "--", "munged", "--force", "--num-threads=2"] + [
            f"--{name}={folder}/munge/{file}" for name, file in (("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"),
                                                                 ("log-file", "log"), ("seed-file", "seed"))]

    def start(self) -> None:
        """Until all nodes are idle."""
        folder, host = self.folder, os.uname().nodename
        folder.chmod(0o755)
        for name in ("state", "spool", "t"):
            (folder / name).mkdir()
        call("install", "-d", "-o", "munge", "-g", "munge", "-m", "0711", folder / "munge")
        key = folder / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        call("chown", "munge:munge", key)
        key.chmod(0o400)
        (folder / "cgroup.conf").write_text(CGROUP_CONF, encoding="utf-8")
        (folder / "slurm.conf").write_text(SLURM_CONF.format(folder=folder, host=host, nodes=self.nodes, port=PORT, first=PORT + 1,
                                                             last=PORT + self.nodes, steps=PORT + 500, steps_end=PORT + 999),
                                           encoding="utf-8")
        # Slurm looks up no name where only the loopback device has an address, and Open MPI leaves that device out.
        call("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        call("ip", "addr", "add", "10.77.0.1/24", "dev", "eth0")
        for device in ("eth0", "eth1"):
            call("ip", "link", "set", device, "up")
        os.environ.update({"SLURM_CONF": str(folder / "slurm.conf"), "TMPDIR": str(self.tmp)})
        try:
            self.start_munge()
        except AssertionError as error:  # nothing of the project is at work yet
            isolated.skip(f"munge does not start on this machine: {error}")
        call("slurmctld", "-c")  # with nothing remembered
        for number in range(1, self.nodes + 1):
            (folder / "spool" / f"n{number}").mkdir()
            self.start_node(f"n{number}")
        self.wait_until(lambda: self.idle() == self.nodes, 15, "all nodes are idle")

    @staticmethod
    def start_controller() -> None:
        call("slurmctld")

    def start_munge(self) -> None:
        call(*self.munged)

    def stop_munge(self) -> None:
        os.kill(int((self.folder / "munge" / "pid").read_text()), signal.SIGKILL)
        (self.folder / "munge" / "socket").unlink()

    def start_node(self, name: str) -> None:
        call("unshare", "--uts", "--ipc", "--mount", "sh", "-c", NODE, "node", name, self.tmp, "slurmd", "-N", name)

    def processes_of(self, node: str) -> list[int]:
        """Those that live under the node's host name."""
        try:
            wanted = os.readlink(f"/proc/{int((self.folder / f'{node}.pid').read_text())}/ns/uts")
        except OSError:  # its slurmd has ended
            return []
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "ns" / "uts") == wanted:
                    found.append(int(entry.name))
            except OSError:  # ended meanwhile
                continue
        return found

    def kill_node(self, node: str) -> None:
        """As a power cut: every process of the node, its shared memory and its TMPDIR are gone at once."""
        for pid in self.processes_of(node):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def bring_back(self, node: str) -> None:
        """Until all nodes are idle again, whatever was done to this one."""
        if not self.processes_of(node):
            self.start_node(node)
        self.wait_until(lambda: self.idle() == self.nodes, 60, "all nodes are idle")

    def clear(self) -> None:
        """No job is left."""
        call("scancel", "--full", f"--user={os.environ.get('USER', 'root')}", check=False)
        self.wait_until(lambda: not call("squeue", "-h", check=False), 60, "all jobs have ended")

    def in_node(self, node: str, *command) -> str:
        slurmd = (self.folder / f"{node}.pid").read_text().strip()
        return call("nsenter", "-t", slurmd, "--uts", "--ipc", "--mount", "--", *command)

    def idle(self) -> int:
        return int(call("sinfo", "-h", "-t", "idle", "-o", "%D", check=False) or 0)

    @staticmethod
    def wait_until(happened, seconds: float, what: str):
        until = time.monotonic() + seconds
        while not (value := happened()):
            if time.monotonic() > until:
                raise AssertionError(f"waited {seconds} s in vain until {what}\n{call('squeue', check=False)}\n{call('sinfo', '-N', check=False)}")
            time.sleep(0.1)
        return value

    @staticmethod
    def show(job: str) -> dict[str, str]:
        """What slurmctld knows of a job, or of one task of an array ("12_3")."""
        line = call("scontrol", "-o", "show", "job", job, check=False)
        return dict(re.findall(r"(\w+)=(\S*)", line.splitlines()[0])) if line else {}

    def state(self, job: str) -> str:
        return self.show(job).get("JobState", "")

    def wait_for(self, job: str, *states: str, seconds=120.0) -> dict[str, str]:
        """Until the job is in one of the states, or (no states given) has ended."""
        wanted = set(states) or FINAL

        def happened() -> bool:
            state = self.state(job)
            if state in FINAL - wanted:
                raise AssertionError(f"job {job} ended as {state} instead of being {' or '.join(sorted(wanted))}")
            return state in wanted
        self.wait_until(happened, seconds, f"job {job} is {' or '.join(sorted(wanted))}")
        return self.show(job)

    @staticmethod
    def steps_of(job: str) -> list[pathlib.Path]:
        """Running slurmstepd processes of a job, by its own number."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(f"slurmstepd: [{job}.".encode()):
                    found.append(entry)
            except OSError:
                continue
        return found

    def let_go_on(self, job: str) -> None:
        """A requeued job may begin again after two minutes; here, now."""
        self.wait_for(job, "PENDING")
        # What is left of the turn before, which in two minutes would be gone: its end could be taken for that of the next one.
        self.wait_until(lambda: not self.steps_of(self.show(job)["JobId"]), 30, f"the steps of job {job} have ended")
        time.sleep(2.1)  # nodes refuse what bears the second in which they were told to end the job ("credential revoked")
        call("scontrol", "update", f"JobId={job}", "StartTime=now", check=self.state(job) == "PENDING")

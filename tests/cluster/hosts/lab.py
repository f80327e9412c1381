"""Hosts made of namespaces, on a network of their own. To be used inside isolated.enter(), which also takes everything away again.

A host h1, h2, ... has its own network device, host name, processes, shared memory and TMPDIR; the file system is common, as on a cluster.
Where the test itself runs is h0, the head, from which mpirun starts its daemons by `agent`, as elsewhere by ssh. The devices meet
in a switch: a bridge, or a wire of its own (wire.py) that delays and loses frames. Its ports are p0, p1, ..."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

NET = "10.77.0"
PROGRAMS = {"ip": "iproute2", "tc": "iproute2", "nsenter": "util-linux", "ethtool": "ethtool", "iptables": "iptables"}
HOST = """
hostname "$1" && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount -t tmpfs -o size=64m tmpfs "$2" && touch "$3" || exit 1
while :; do sleep 3600 & wait; done
"""
# Like ssh it gives little of the environment on: what ranks need has to be named to mpirun by -x.
AGENT = """#!/bin/sh
host=$1; shift
exec nsenter -t "$(cat {folder}/$host.pid)" --net --uts --ipc --mount --pid --wd="$PWD" -- \
  env -i PATH="$PATH" HOME="$HOME" TMPDIR={folder}/t /bin/sh -c "$*"
"""


def call(*command, timeout=30) -> str:
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=timeout)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout


class Lab:
    def __init__(self, folder: pathlib.Path, hosts: int):
        self.folder, self.names = folder, [f"h{number}" for number in range(1, hosts + 1)]
        self.agent, self.tmp = folder / "agent", folder / "t"
        self.wire = None
        self.holders: dict[str, subprocess.Popen] = {}

    def up(self) -> None:
        self.tmp.mkdir()
        self.agent.write_text(AGENT.format(folder=self.folder), encoding="utf-8")
        self.agent.chmod(0o755)
        names = ["h0", *self.names]
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{NET}.{100 + number} {name}\n" for number, name in enumerate(names)), encoding="utf-8")
        call("mount", "--bind", self.folder / "hosts", "/etc/hosts")
        call("hostname", "h0")
        call("ip", "netns", "add", "sw")
        call("ip", "-n", "sw", "link", "add", "br0", "type", "bridge")
        call("ip", "-n", "sw", "link", "set", "br0", "up")
        for number, name in enumerate(names):
            self.add_host(number, name)

    def add_host(self, number: int, name: str) -> None:
        at = []  # the head has the network of the test itself
        if number > 0:
            call("ip", "netns", "add", name)
            at = ["-n", name]
        call("ip", "-n", "sw", "link", "add", f"p{number}", "type", "veth", "peer", "name", f"e{number}")
        call("ip", "-n", "sw", "link", "set", f"e{number}", "netns", name if number > 0 else str(os.getpid()))
        call("ip", "-n", "sw", "link", "set", f"p{number}", "master", "br0", "up")
        call("ip", *at, "link", "set", f"e{number}", "name", "eth0")
        call("ip", *at, "addr", "add", f"{NET}.{100 + number}/24", "dev", "eth0")
        call("ip", *at, "link", "set", "lo", "up")
        call("ip", *at, "link", "set", "eth0", "up")
        if number > 0:
            self.start(name)

    def start(self, name: str) -> None:
        ready = self.folder / f"{name}.up"
        self.holders[name] = holder = subprocess.Popen(["nsenter", f"--net=/run/netns/{name}", "unshare", "--uts", "--ipc", "--mount", "--pid", "--fork", "--kill-child",
                                   "--mount-proc", "sh", "-c", HOST, "host", name, str(self.tmp), str(ready)], stdin=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not ready.exists():
            if holder.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"host {name} did not start")
            time.sleep(0.02)
        ready.unlink()
        first = pathlib.Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()[0]
        (self.folder / f"{name}.pid").write_text(first)

    def first_process(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def kill(self, name: str) -> None:
        """A power cut: the host's process 1 goes, and with it all others."""
        os.kill(self.first_process(name), signal.SIGKILL)
        self.holders[name].wait(20)

    def down(self) -> None:
        """Everything is switched off; networks and mounts go with the namespaces."""
        self.straighten()
        for holder in self.holders.values():
            holder.kill()  # unshare; --kill-child takes the host along
            holder.wait(20)

    def revive(self, name: str) -> None:
        """Switches a killed host on again. Its network device went with it, or goes when the kernel gets round to it."""
        call("ip", "netns", "del", name)
        subprocess.run(["ip", "-n", "sw", "link", "del", f"p{name[1:]}"], capture_output=True, check=False)
        self.add_host(int(name[1:]), name)

    def ranks_on(self, name: str, program: str) -> list[int]:
        """Running processes with this name in the host."""
        try:
            wanted = os.readlink(f"/proc/{self.first_process(name)}/ns/net")
        except OSError:  # the host is dead
            return []
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if (entry.name.isdigit() and os.readlink(entry / "ns" / "net") == wanted and
                        (entry / "comm").read_text().strip() == program):
                    found.append(int(entry.name))
            except OSError:  # ended meanwhile
                continue
        return found

    def set_link(self, name: str, state: str) -> None:
        """Pulls the cable of a host at the switch ("down"), or puts it back ("up"): the host itself sees the loss of signal only."""
        call("ip", "-n", "sw", "link", "set", name.replace("h", "p"), state)

    def wait_until_reached(self, name: str) -> None:
        """After its link was up again, until it reaches the head: who answered nothing for a while is not asked at once."""
        until = time.monotonic() + 20
        knock = ["ip", "netns", "exec", name, "bash", "-c", f"exec 3<>/dev/tcp/{NET}.100/9"]
        while "refused" not in subprocess.run(knock, capture_output=True, text=True, timeout=60, env={**os.environ, "LC_ALL": "C"}).stderr:
            if time.monotonic() > until:
                raise AssertionError(f"{name} does not reach the head")
            time.sleep(0.2)

    def bytes_sent(self) -> dict[str, int]:
        """What each host's device has sent so far."""
        listed = {name: json.loads(call("ip", "-n", name, "-s", "-j", "link", "show", "dev", "eth0")) for name in self.names}
        return {name: links[0]["stats64"]["tx"]["bytes"] for name, links in listed.items()}

    def limit_rate(self, rate: str) -> None:
        """Bandwidth of every host's device, for example 80mbit."""
        for name in self.names:
            call("tc", "-n", name, "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "64kb", "latency", "50ms")

    def free_rate(self) -> None:
        for name in self.names:
            call("tc", "-n", name, "qdisc", "del", "dev", "eth0", "root")

    def lose(self, probability: float) -> None:
        """Every host drops this share of what arrives."""
        for name in self.names:
            call("ip", "netns", "exec", name, "iptables", "-A", "INPUT", "-i", "eth0", "-m", "statistic", "--mode", "random", "--probability",
                 str(probability), "-j", "DROP")

    def dropped(self) -> int:
        """Packets that lose() has taken so far."""
        lists = [call("ip", "netns", "exec", name, "iptables", "-L", "INPUT", "-v", "-x", "-n") for name in self.names]
        return sum(int(line.split()[0]) for text in lists for line in text.splitlines() if " DROP " in line)

    @staticmethod
    def give_up_tcp_after(retries: int) -> None:
        """On the head. A connection with unanswered data is given up after so many: 5 take 13 s, the usual 15 a quarter of an hour."""
        pathlib.Path("/proc/sys/net/ipv4/tcp_retries2").write_text(str(retries))

    def lose_nothing(self) -> None:
        for name in self.names:
            call("ip", "netns", "exec", name, "iptables", "-F", "INPUT")

    def delay(self, one_way_ms: float) -> None:
        """In place of the bridge, a wire between the hosts that lets frames out after a while. Until straighten()."""
        for number, name in enumerate(["h0", *self.names]):
            call("ip", "-n", "sw", "link", "set", f"p{number}", "nomaster", "promisc", "on")
            # Frames as the wire carries them: with checksums, and no larger than a device sends them.
            at = ["ip", "netns", "exec", name] if number > 0 else []
            call(*at, "ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        wire = pathlib.Path(__file__).with_name("wire.py")
        ports = [f"p{number}" for number in range(len(self.names) + 1)]
        self.wire = subprocess.Popen(["ip", "netns", "exec", "sw", sys.executable, str(wire), str(one_way_ms), *ports])

    def straighten(self) -> None:
        if self.wire is None:
            return
        self.wire.kill()
        self.wire.wait()
        self.wire = None
        for number in range(len(self.names) + 1):
            call("ip", "-n", "sw", "link", "set", f"p{number}", "promisc", "off", "master", "br0")

    def ping_ms(self, name: str) -> float:
        """Median there-and-back time from the head, by TCP handshakes with a port that nobody listens on."""
        times = []
        for _ in range(9):
            with socket.socket() as one:
                one.settimeout(20)
                started = time.monotonic()
                one.connect_ex((name, 9))
                times.append(time.monotonic() - started)
        return sorted(times)[4] * 1e3

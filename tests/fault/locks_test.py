#!/usr/bin/env python3
"""One writer at a time, and folders that cannot be written as they are: a clear error, the documented exit code, and the memory
byte for byte as it was."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import faults
from faults import harness, snapshot
from harness import ProgramTest, Run, skip_loudly

NOBODY = 65534
counts = {"refused": 0, "taken_over": 0, "unchanged": 0}


def tearDownModule():
    faults.add_counts("locks", counts)


def everything(folder: pathlib.Path) -> dict[str, str]:
    """Names, kinds and hashes of all that is below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = "link " + os.readlink(path) if path.is_symlink() else "folder" if path.is_dir() else ""
        found[str(path.relative_to(folder))] = kind or hashlib.sha256(path.read_bytes()).hexdigest()
    return found


class MemoryTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.memory = self.folder / "memory"
        self.codes = faults.write_codes(self.folder / "codes.safetensors", list(range(300)), 1)
        self.more = faults.write_codes(self.folder / "more.safetensors", list(range(1000, 1300)), 2)

    def ingest(self, *more, ranks=0, memory=None, **options):
        return Run(["ingest", "--memory", memory or self.memory, "--codes", self.codes, *more], ranks, **options)

    def append(self, ranks=0, memory=None, **options):
        return Run(["append", "--memory", memory or self.memory, "--codes", self.more], ranks, **options)

    def made(self):
        self.assert_done(self.ingest().wait())

    def refused(self, result, codes, *words):
        self.assertIn(result.code, codes, result.err)
        self.assertEqual(len(faults.errors_of(result)), 1, result.err)
        for word in words:
            self.assertIn(word, result.err)
        counts["refused"] += 1

    def unchanged(self, before, folder):
        self.assertEqual(everything(folder), before)
        counts["unchanged"] += 1


class Locks(MemoryTest):
    def holder(self, command: Run) -> int:
        """Process id in the lock, once it is there."""
        until = time.monotonic() + harness.DEADLINE
        while time.monotonic() < until:
            if found := re.search(r"^pid (\d+)$", self.lock_text(), re.M):
                return int(found[1])
            self.assertIsNone(command.process.poll(), "it ended before it took the lock")
            time.sleep(0.02)
        raise AssertionError("nobody took the lock")

    def lock_text(self) -> str:
        lock = self.memory / "lock"
        return lock.read_text(encoding="utf-8") if lock.exists() else ""

    def manifests(self) -> list[str]:
        return [value for name, value in snapshot(self.memory).items() if name.startswith("manifest")]

    def test_two_jobs_at_once(self):
        """The first one is in the middle of its work: its documents are listed, its codes on the way."""
        self.made()
        before = self.manifests()
        first = self.append(2, environment={"LARIMAR_FAILPOINT": "shard.commit.begin:1:delay=8"})
        pid = self.holder(first)
        while self.manifests() == before and first.process.poll() is None:
            time.sleep(0.05)
        begun = self.manifests()
        for command in (self.append(), self.append(2), Run(["forget", "--memory", self.memory, "--id", "1"])):
            self.refused(command.wait(), (78,), socket.gethostname(), f"process {pid}", "wait")
        self.assertEqual(self.manifests(), begun)
        self.assert_done(Run(["verify", self.memory]).wait())  # readers need no lock
        self.assertIsNone(first.process.poll(), "it ended before the others were refused")
        self.assert_done(first.wait())
        self.assertEqual(self.lock_text(), "")

    def test_a_dead_jobs_lock_is_taken_over(self):
        self.made()
        first = self.append(environment={"LARIMAR_FAILPOINT": "store.lock.taken:1:kill"})
        pid = first.process.pid
        first.wait()
        self.assertIn(f"pid {pid}", self.lock_text())
        second = self.append().wait()
        self.assert_done(second)
        self.assertRegex(second.err, f"warning.*process {pid}.*taken over")
        counts["taken_over"] += 1
        self.assertEqual(self.lock_text(), "")

    def test_a_stopped_job_keeps_its_lock(self):
        self.made()
        first = self.append(environment={"LARIMAR_FAILPOINT": "shard.commit.begin:1:delay=1"})
        pid = self.holder(first)
        os.kill(pid, signal.SIGSTOP)
        self.refused(self.append().wait(), (78,), f"process {pid}")
        os.kill(pid, signal.SIGCONT)
        self.assert_done(first.wait())


class StrangeFolders(MemoryTest):
    def mounted(self, *options) -> pathlib.Path:
        place = self.folder / "mounted"
        place.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", *options, str(place)], check=False, capture_output=True).returncode != 0:
            skip_loudly("mounting takes root")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=True)
        return place

    def test_read_only_folder(self):
        self.made()
        before = everything(self.memory)
        place = self.mounted("--bind", str(self.memory))
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        for command in (self.append(memory=place), self.append(2, memory=place), Run(["forget", "--memory", place, "--id", "1"])):
            self.refused(command.wait(), (73, 74), str(place), "Read-only")
        self.unchanged(before, self.memory)
        found = self.folder / "found.safetensors"
        keys = faults.write_keys(self.folder / "keys.safetensors", 2, 1)
        self.assert_done(Run(["ask", "--memory", place, "--keys", keys, "--out", found], 2).wait())
        self.unchanged(before, self.memory)

    def test_permission_denied(self):
        self.made()
        before = everything(self.memory)
        wrapper = []
        if os.geteuid() == 0:
            wrapper = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            readable = [*wrapper, "test", "-x", str(harness.settings.program)]
            if shutil.which("setpriv") is None or subprocess.run(readable, check=False, capture_output=True).returncode != 0:
                skip_loudly("permission denied: root may do everything, and the program cannot be run as another user")
        self.memory.chmod(0o555)
        (self.memory / "lock").chmod(0o444)
        self.refused(self.append(wrapper=wrapper).wait(), (73, 74), "Permission denied")
        self.unchanged(before, self.memory)
        closed = self.folder / "closed"
        closed.mkdir(mode=0o700)
        if wrapper:
            self.refused(self.ingest(memory=closed / "memory", wrapper=wrapper).wait(), (66, 73, 74), "Permission denied")
        self.memory.chmod(0o755)

    def test_full_disk(self):
        """What does not fit ends with an error; with room again, the same command ends as if the disk had been large."""
        large = faults.write_codes(self.folder / "large.safetensors", list(range(2000, 12000)), 3)
        place = self.mounted("-t", "tmpfs", "-o", "size=512k", "tmpfs")
        memory = place / "memory"
        self.assert_done(self.ingest(memory=memory).wait())
        before = snapshot(memory)
        more = ["append", "--codes", large, "--memory"]
        self.refused(Run([*more, memory], 2).wait(), (73, 74), "No space left")
        now = snapshot(memory)
        self.assertEqual({name: now[name] for name in before if name.startswith("log")}, {k: v for k, v in before.items() if k.startswith("log")})
        self.assert_done(Run(["verify", memory]).wait())
        self.assertEqual(now["manifest.0"], before["manifest.0"], "the complete generation")
        subprocess.run(["mount", "-o", "remount,size=8m", str(place)], check=True)
        self.assert_done(Run([*more, memory]).wait())
        self.made()
        self.assert_done(Run([*more, self.memory]).wait())
        self.assertEqual(snapshot(memory), snapshot(self.memory))
        counts["full_disk_identical_after_room"] = 1

    def test_a_file_in_place_of_the_folder(self):
        self.memory.write_text("here", encoding="utf-8")
        for command in (self.ingest(), self.ingest(ranks=2), self.append()):
            self.refused(command.wait(), (65, 66, 73), str(self.memory))
        self.assertEqual(self.memory.read_text(encoding="utf-8"), "here")

    def test_a_link_in_place_of_a_log(self):
        self.made()
        target = self.folder / "elsewhere"
        (self.memory / "log.002").rename(target)
        (self.memory / "log.002").symlink_to(target)
        before = everything(self.folder)
        self.refused(self.append().wait(), (65, 66, 74), "log.002")
        self.refused(Run(["update", "--memory", self.memory, "--codes", self.codes]).wait(), (65, 66, 74), "log.002")
        self.assertNotEqual(Run(["verify", self.memory]).wait().code, 0)
        self.unchanged(before, self.folder)

    def test_links_in_place_of_what_is_written(self):
        """A lock or a log that leads elsewhere: what it leads to is never written."""
        self.made()
        victim = self.write("victim", "do not touch")
        (self.memory / "lock").unlink()
        (self.memory / "lock").symlink_to(victim)
        self.refused(self.append().wait(), (65, 73, 74), "lock")
        self.assertEqual(victim.read_text(encoding="utf-8"), "do not touch")
        (self.memory / "lock").unlink()
        (self.memory / "log.005").symlink_to(victim)  # the next one that append makes
        self.assertIn(self.append().wait().code, (65, 73, 74))
        self.assertEqual(victim.read_text(encoding="utf-8"), "do not touch")
        counts["refused"] += 1

    def test_a_document_path_with_dots_is_never_written(self):
        """The path is stored as it came; it is only ever read, and what it names may change or be gone."""
        (self.folder / "below").mkdir()
        path = self.folder / "below" / ".." / "dots.safetensors"
        shutil.copy(self.codes, path)
        self.assert_done(Run(["ingest", "--memory", self.memory, "--codes", path]).wait())
        shown = json.loads(Run(["info", "--memory", self.memory]).wait().out)
        self.assertEqual(pathlib.Path(shown["documents"][0]["path"]).resolve(), path.resolve())
        path.unlink()
        self.assert_done(self.append().wait())
        self.assert_done(Run(["forget", "--memory", self.memory, "--id", "1,2"]).wait())
        self.assert_done(Run(["show-segment", self.memory, "--id", "7"]).wait())
        self.assertFalse(path.exists())


if __name__ == "__main__":
    harness.main()

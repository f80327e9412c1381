#!/usr/bin/env python3
"""larimar doctor on 1, 2 and 4 ranks: what is well, and broken conditions that it must name."""
import json
import os
import pathlib
import re
import subprocess

import launches
import harness
from launches import LaunchTest, skip_loudly

CHECKS = ["build", "launcher", "MPI", "world", "ranks agree", "threads", "host", "memory", "/dev/shm", "GPU", "binding", "limits", "TMPDIR",
          "steady clock", "LibTorch", "model", "key network", "language model"]
ON_FOLDER = ["folder", "fsync", "rename", "locks"]


class Doctor(LaunchTest):
    def examine(self, *arguments, code=None, **options) -> dict:
        result = self.run_program("doctor", "--json", *arguments, **options)
        report = json.loads(result.out)
        self.assertEqual(result.code, report["exit_code"], result.err)
        if code is not None:
            self.assertEqual(result.code, code, result.out)
        for one in report["findings"]:
            if one["state"] in ("warning", "BAD"):
                self.assertTrue(one["advice"], f"no advice: {one}")
        return report

    def found(self, report: dict, check: str) -> list[dict]:
        return [one for one in report["findings"] if one["check"] == check]

    def one(self, report: dict, check: str) -> dict:
        found = self.found(report, check)
        self.assertEqual(len(found), 1, found)
        return found[0]


class Good(Doctor):
    def test_every_check_is_there_on_any_number_of_ranks(self):
        for ranks in (0, 1, 2, 4):
            with self.subTest(ranks=ranks):
                report = self.examine("--folder", self.folder, ranks=ranks)
                seen = {one["check"] for one in report["findings"]}
                expected = CHECKS + ON_FOLDER + (["clock", "seen by all", "locks between ranks"] if ranks > 1 else [])
                self.assertEqual(seen, set(expected))
                bad = [one for one in report["findings"] if one["state"] == "BAD"]
                self.assertEqual(bad, [])
                self.assertIn(f"{max(ranks, 1)} ranks on 1 hosts", self.one(report, "world")["found"])
                self.assertIn("mpirun" if ranks else "none", self.one(report, "launcher")["found"])
                self.assertEqual(list(self.folder.glob(".larimar-doctor*")), [])

    def test_the_table_and_its_last_line(self):
        result = self.run_program("doctor", ranks=2)
        lines = result.out.splitlines()
        self.assertRegex(lines[0], r"^build +ok +0\.1\.0 \(build [0-9a-f]{12}")
        self.assertRegex(lines[-1], r"^(ready|ready, with \d+ warnings?)$")
        self.assertEqual(result.code, 0 if lines[-1] == "ready" else 3)
        self.assertEqual(result.out.count("launcher"), 1, "one line for all ranks")

    def test_the_hardware_is_the_machines(self):
        report = self.examine()
        cores = int(re.search(r"(\d+) hardware threads", self.one(report, "host")["found"]).group(1))
        self.assertGreaterEqual(cores, len(os.sched_getaffinity(0)))
        self.assertIn("Open MPI", self.one(report, "MPI")["found"])


class Broken(Doctor):
    def test_folder_that_is_not_there(self):
        report = self.examine("--folder", self.folder / "absent", ranks=2, code=78)
        self.assertIn("cannot be written to", self.one(report, "folder")["found"])

    def test_folder_that_cannot_be_written(self):
        if os.geteuid() != 0:
            skip_loudly("a read-only file system: mounting one takes root")
        disk = self.folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk], check=True, timeout=20)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        for ranks in (0, 4):
            report = self.examine("--folder", disk, ranks=ranks, code=78)
            self.assertIn("Read-only", self.one(report, "folder")["found"])

    def test_folder_that_one_rank_does_not_see(self):
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
            skip_loudly("a folder of one rank only: mount namespaces take root")
        disk = self.folder / "disk"
        disk.mkdir()
        hide = f'exec unshare -m sh -c \'mount -t tmpfs none "$0" && exec "$@"\' {disk} "$@"'
        report = self.examine("--folder", disk, ranks=4, wrapper=self.only_rank(2, hide), code=78)
        bad = [one for one in report["findings"] if one["state"] == "BAD"]
        self.assertTrue(any(one["check"] == "folder" and "rank 2" in one["where"] for one in bad), bad)
        # Rank 1 looks for what rank 2 wrote.
        self.assertTrue(any(one["check"] == "seen by all" and "rank 1" in one["where"] for one in bad), bad)

    def test_locks_that_do_not_exclude(self):
        library = self.preload("int flock(int file, int how) { (void)file; (void)how; return 0; }\n")
        report = self.examine("--folder", self.folder, code=78, environment={"LD_PRELOAD": str(library)})
        self.assertIn("granted again", self.one(report, "locks")["found"])
        report = self.examine("--folder", self.folder, ranks=2, code=78, environment={"LD_PRELOAD": str(library)})
        self.assertEqual(self.found(report, "locks between ranks")[-1]["state"], "BAD")

    def test_disk_that_fails_to_sync(self):
        library = self.preload("#include <errno.h>\nint fsync(int file) { (void)file; errno = EIO; return -1; }\n")
        report = self.examine("--folder", self.folder, code=78, environment={"LD_PRELOAD": str(library)})
        self.assertIn("Input/output error", self.one(report, "fsync")["found"])

    def test_rename_that_leaves_a_gap(self):
        library = self.preload("#include <stdio.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n"
                               "int rename(const char* from, const char* to) { unlink(to); usleep(2000); "
                               "return syscall(SYS_rename, from, to); }\n")
        report = self.examine("--folder", self.folder, code=78, environment={"LD_PRELOAD": str(library)})
        self.assertIn("not whole", self.one(report, "rename")["found"])

    def test_clock_of_a_rank_that_is_ahead(self):
        library = self.preload("#define _GNU_SOURCE\n#include <sys/syscall.h>\n#include <time.h>\n#include <unistd.h>\n"
                               "int clock_gettime(clockid_t which, struct timespec* time) { int code = syscall(SYS_clock_gettime, which, time); "
                               "if (which == CLOCK_REALTIME) time->tv_sec += 3600; return code; }\n")
        report = self.examine(ranks=2, code=3, wrapper=self.only_rank(1, f"export LD_PRELOAD={library}"))
        clock = self.one(report, "clock")
        self.assertEqual(clock["state"], "warning")
        self.assertRegex(clock["found"], r"rank 1 is 3(599|600)\d{3}")

    def test_tmpdir_that_is_too_long_or_absent(self):
        longer = self.folder / ("x" * 80)
        longer.mkdir()
        noted = self.one(self.examine(environment={"TMPDIR": str(longer)}), "TMPDIR")
        self.assertEqual(noted["state"], "note")
        self.assertIn("shorter", noted["advice"])
        absent = self.one(self.examine(code=3, environment={"TMPDIR": str(self.folder / "no")}), "TMPDIR")
        self.assertEqual((absent["state"], absent["found"]), ("warning", f"{self.folder}/no is not there"))
        self.assertIn("no folder", self.one(self.examine(code=78, environment={"TMPDIR": "/proc/none"}), "TMPDIR")["found"])

    def test_more_ranks_than_cores(self):
        cores = os.cpu_count()
        eager = {"OMPI_MCA_mpi_yield_when_idle": "0", "OMP_WAIT_POLICY": "active"}
        report = self.examine("--threads", cores, ranks=4, code=3, environment=eager)
        self.assertIn(f"{cores} cores for {4 * cores} threads of 4 ranks", self.one(report, "threads")["found"])

    def test_a_rank_bound_too_tightly(self):
        report = self.examine("--threads", 2, ranks=2, code=3, wrapper=self.only_rank(1, 'exec taskset -c 0 "$@"'))
        states = {one["state"] for one in self.found(report, "binding")}
        self.assertIn("warning", states)

    def test_few_open_files(self):
        report = self.examine(ranks=2, code=3, wrapper=self.only_rank(1, "ulimit -n 200"))
        warned = [one for one in self.found(report, "limits") if one["state"] == "warning"]
        self.assertEqual([one["where"] for one in warned], ["rank 1"])

    def test_no_model(self):
        report = self.examine("--model", self.folder / "absent", code=78)
        self.assertIn("LARIMAR_HOME", self.one(report, "model")["advice"])

    def test_ranks_that_are_not_alike(self):
        report = self.examine(ranks=2, code=3, wrapper=self.only_rank(1, "export OMP_NUM_THREADS=7"))
        self.assertIn("OMP_NUM_THREADS", self.one(report, "ranks agree")["found"])
        done = launches.MixedRun([(1, [harness.settings.program, "doctor", "--json"]), (1, [self.patched_program(), "doctor", "--json"])]).wait()
        self.assertEqual(done.code, 78, done.err)
        self.assertIn("the build of the program", json.dumps(json.loads(done.out)["findings"]))

    def test_a_launcher_of_another_mpi(self):
        result = self.run_program("doctor", environment={"OMPI_COMM_WORLD_SIZE": "2"})
        self.assertEqual(result.code, 78)
        self.assertIn("2 ranks were asked for", result.err)


if __name__ == "__main__":
    harness.main()

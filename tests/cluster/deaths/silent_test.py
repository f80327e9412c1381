#!/usr/bin/env python3
"""A rank is stopped by SIGSTOP: silent, not dead. The others wait for as long as --patience says, name it, and end the job and it.
If it goes on in time, so does the job."""
import collections
import signal
import time

import deaths
from deaths import faults, harness
from harness import ProgramTest

PATIENCE = 4.0
counts = collections.Counter()


def setUpModule():
    global world
    world = deaths.make_world()


def tearDownModule():
    deaths.remove(world)
    faults.add_counts("ranks_stopped", dict(sorted(counts.items())))


class Silent(ProgramTest):
    def start_and_stop(self, arguments: list, rank: int, failpoint: str) -> tuple:
        """The rank is stopped while it waits at the failpoint."""
        run = deaths.start([*arguments, "--patience", PATIENCE], 4, f"{failpoint}:1:delay=3:{rank}")
        processes = deaths.wait_for_ranks(run, 4)
        deaths.wait_until_begun(run, arguments[arguments.index("--out") + 1])
        time.sleep(0.5)
        deaths.signal_rank(processes[rank], signal.SIGSTOP)
        return run, processes[rank]

    def be_silent(self, arguments: list, rank: int, failpoint: str):
        run, process = self.start_and_stop(arguments, rank, failpoint)
        try:
            result = run.wait(deaths.DEADLINE)  # fails if a process is left, stopped or not
        except AssertionError:
            counts["hangs"] += 1
            raise
        self.assertEqual(result.code, 70, result.err)
        errors = faults.errors_of(result)
        self.assertEqual(len(errors), 1, result.err)
        for word in (f"rank {rank} (process {process} on ", "silent, not dead", "SIGCONT", f"waited {PATIENCE}"):
            self.assertIn(word, errors[0])
        self.assertNotIn("died", errors[0])
        self.assertNotEqual(deaths.report_in(arguments[arguments.index("--out") + 1])["status"], "ok")
        counts["stopped"] += 1
        counts["with_ulfm" if harness.settings.mpirun_options else "without_ulfm"] += 1

    def in_all_roles(self):
        for failpoint, rank in deaths.some([("launch.models.loaded", 0), ("shard.read.propose", 1), ("decoder.decode", 3),
                                            ("launch.answers.batch", 0), ("launch.command.done", 2)]):
            with self.subTest(failpoint=failpoint, rank=rank):
                self.be_silent(world.ask("--out", self.folder / f"{failpoint}-{rank}"), rank, failpoint)
        for failpoint, rank in deaths.some([("shard.block.appended", 2), ("launch.ingest.begin", 0)]):
            with self.subTest(failpoint=failpoint, rank=rank):
                memory = self.folder / failpoint
                self.be_silent(world.ingest(memory, "--out", self.folder / f"{failpoint}-out"), rank, failpoint)
                deaths.shutil.rmtree(memory, ignore_errors=True)

    def test_without_ulfm(self):
        self.in_all_roles()

    def test_with_ulfm(self):
        deaths.use_ulfm_in(self)
        self.in_all_roles()

    def test_it_goes_on(self):
        out = self.folder / "out"
        run, process = self.start_and_stop(world.ask("--out", out), 1, "shard.read.propose")
        time.sleep(1.5)
        deaths.signal_rank(process, signal.SIGCONT)
        deaths.done(run)
        self.assertEqual(deaths.answers_in(out), world.answers)
        counts["went_on"] += 1


if __name__ == "__main__":
    harness.main()

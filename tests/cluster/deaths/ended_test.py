#!/usr/bin/env python3
"""Without ULFM a rank dies: the whole job ends soon, with an exit code other than 0, one sentence that names rank, phase and the
command that goes on, a run.json that claims no success, and no process left."""
import collections

import deaths
from deaths import faults, harness
from harness import ProgramTest

# Passed by all four ranks of a job.
ASK = ("launch.command.begin", "launch.models.loaded", "launch.answers.batch")
INGEST = ("launch.manifest.share", "launch.states.gathered")
counts = collections.Counter()
slowest = 0.0


def setUpModule():
    global world
    world = deaths.make_world()


def tearDownModule():
    deaths.remove(world)
    faults.add_counts("deaths_ended", {**dict(sorted(counts.items())), "slowest_end_seconds": round(slowest, 2)})


class Ended(ProgramTest):
    def end(self, arguments: list, out, name: str, rank: int, resume: str):
        global slowest
        run = deaths.start([*arguments, "--out", out], 4, f"{name}:1:kill:{rank}")
        watch = deaths.DeathWatch(run, 4)
        try:
            result = run.wait(deaths.DEADLINE)
        except AssertionError:
            counts["hangs"] += 1
            raise
        seconds = watch.seconds_to_the_end()
        self.assertNotEqual(result.code, 0, result.err)
        self.assertIn(rank, watch.died)
        self.assertLess(seconds, deaths.SOON)
        slowest = max(slowest, seconds)
        errors = faults.errors_of(result)
        self.assertEqual(len(errors), 1, result.err)
        for word in (f"rank {rank} of this host died", "phase '", resume, "mpirun -n 4"):
            self.assertIn(word, errors[0])
        self.assertIn(f"process rank {rank} with PID", result.err, "mpirun names rank and host")
        if (out / "run.json").exists():
            self.assertEqual(deaths.report_in(out)["status"], "failed")
        self.assertFalse((out / "answers.jsonl").exists())
        counts[f"rank {rank}"] += 1
        counts["deaths"] += 1

    def test_asking(self):
        for name in ASK:
            for rank in range(4):
                with self.subTest(failpoint=name, rank=rank):
                    self.end(world.ask(), self.folder / f"{name}-{rank}", name, rank, "Start it again")
                    self.assertEqual(faults.snapshot(world.memory), world.snapshot)

    def test_ingesting(self):
        for name in INGEST:
            for rank in range(4):
                with self.subTest(failpoint=name, rank=rank):
                    memory = self.folder / f"{name}-{rank}"
                    self.end(world.ingest(memory), self.folder / f"{memory.name}-out", name, rank, "The same command goes on")
                    if rank == 0:  # as the message says
                        deaths.done(deaths.start(world.ingest(memory), 4))
                        self.assertEqual(faults.snapshot(memory), world.snapshot)

    def test_a_crash_says_where(self):
        out = self.folder / "out"
        run = deaths.start(world.ask("--out", out), 4, "decoder.decode:1:delay=4:3")
        processes = deaths.wait_for_ranks(run, 4)
        deaths.wait_until_begun(run, out)
        deaths.time.sleep(0.5)
        deaths.signal_rank(processes[2], deaths.signal.SIGSEGV)
        result = run.wait(deaths.DEADLINE)
        self.assertEqual(result.code, 139, result.err)
        self.assertIn("[rank 2", result.err)
        self.assertIn("ended by SIGSEGV in phase '", result.err)
        counts["crashes"] += 1


if __name__ == "__main__":
    harness.main()

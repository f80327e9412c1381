#!/usr/bin/env python3
"""Real time limits, which Slurm counts in minutes. Long form only: LARIMAR_FULL_TESTS=1."""
import pathlib
import shutil
import tempfile
import time

import slurm_jobs
from slurm_jobs import FINAL, SlurmTest, faults, harness, isolated

SLOWLY = {"LARIMAR_FAILPOINT": "shard.block.appended:1+:delay=1.5"}  # more than one turn: Slurm may send the signal a minute early
TOO_SLOWLY = {"LARIMAR_FAILPOINT": "shard.block.appended:1+:delay=5"}  # not to be done in the two minutes that the limit may take


def setUpModule():
    global folder, codes, unbroken
    slurm_jobs.set_up(3)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larimar-slurm-limits-"))
    codes = faults.write_codes(folder / "codes.safetensors", list(range(2000)), 1)
    unbroken = folder / "unbroken"
    result = harness.Run(["ingest", "--codes", codes, "--memory", unbroken]).wait()
    assert result.code == 0, result.err


def tearDownModule():
    shutil.rmtree(folder, ignore_errors=True)
    slurm_jobs.tear_down()


class Limits(SlurmTest):
    def ingest(self, *more) -> tuple:
        return ("ingest", "--codes", codes, "--memory", self.folder / "memory", "--nodes", "2", "--ntasks-per-node", "1", "--time", "1", *more)

    def test_stopped_before_the_limit_until_done(self):
        started = time.monotonic()
        job = self.start(*self.ingest("--requeue", "--grace", "30"), environment=SLOWLY)
        cluster, turns = slurm_jobs.cluster, 1

        def over() -> bool:
            return self.log(job).count("requeueing") >= turns or cluster.state(job) in FINAL
        while True:
            cluster.wait_until(over, 150, f"turn {turns} of job {job} is over")
            if cluster.state(job) in FINAL:
                break
            cluster.let_go_on(job)
            turns += 1
        shown = self.finish(job)
        self.assertGreaterEqual(int(shown["Restarts"]), 1, self.log(job))
        self.assertIn("stopped by SIGUSR1", self.log(job))
        self.assertEqual(faults.snapshot(self.folder / "memory"), faults.snapshot(unbroken))
        self.note("ingest, limit of a minute, --grace 30", "mpirun", "2 x 1", shown, started, "memory is byte for byte that of an unbroken ingest")

    def test_ended_by_the_limit(self):
        """Without a signal before it: the job is lost, what is on disk is not."""
        started = time.monotonic()
        job = self.start(*self.ingest(), environment=TOO_SLOWLY)
        shown = slurm_jobs.cluster.wait_for(job, seconds=200)
        self.assertEqual(shown["JobState"], "TIMEOUT", self.log(job))
        self.note("ingest, limit of a minute, no signal", "mpirun", "2 x 1", shown, started, "the same command went on to the same bytes")
        self.finish(self.start(*self.ingest()[:5], "--ntasks-per-node", "2"))
        self.assertEqual(faults.snapshot(self.folder / "memory"), faults.snapshot(unbroken))


if __name__ == "__main__":
    if not slurm_jobs.FULL:
        isolated.skip("real time limits take minutes; LARIMAR_FULL_TESTS=1 runs them")
    slurm_jobs.main()

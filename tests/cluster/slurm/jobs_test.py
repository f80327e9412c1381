#!/usr/bin/env python3
"""Batch jobs on a real Slurm: by mpirun and by srun over two nodes, arrays with a dependent merge, and requeueing: after a signal
before the time limit, after a node was taken down, after a node died. The bytes are those of one process that nobody disturbs."""
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile
import time

import slurm_jobs
from slurm_jobs import SlurmTest, call, faults, harness, texts

SLOWLY = {"LARIMAR_FAILPOINT": "shard.block.appended:1+:delay=0.15"}  # so that it is not done before it can be stopped
TWO_BY_TWO = ("--nodes", "2", "--ntasks-per-node", "2")


def setUpModule():
    global folder, context, one_process, codes, unbroken
    slurm_jobs.set_up(3)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larimar-slurm-jobs-"))
    context = folder / "story.txt"
    context.write_text(texts.story(60, 3, {31: texts.PASSKEY}), encoding="utf-8")
    result = harness.Run(["run", "--context", context, "--query", slurm_jobs.PASSKEY_PREFIX, "--keys", "model", "--out", folder / "one"]).wait()
    assert result.code == 0, result.err
    one_process = answers(folder / "one")
    assert "48213" in one_process[0]["answer"], one_process
    codes = faults.write_codes(folder / "codes.safetensors", list(range(3000)), 1)
    unbroken = folder / "unbroken"
    result = harness.Run(["ingest", "--codes", codes, "--memory", unbroken]).wait()
    assert result.code == 0, result.err


def tearDownModule():
    shutil.rmtree(folder, ignore_errors=True)
    slurm_jobs.tear_down()


def answers(out: pathlib.Path) -> list[dict]:
    lines = (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return [slurm_jobs.without_places(json.loads(line)) for line in lines]


def takes_signals(variable: bytes) -> bool:
    """Whether a larimar with this in its environment catches USR1: before that, the signal would end it."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == harness.settings.program.name[:15]:
                caught = re.search(r"SigCgt:\s*(\w+)", (entry / "status").read_text())
                if variable in (entry / "environ").read_bytes().split(b"\0") and int(caught[1], 16) >> (signal.SIGUSR1 - 1) & 1:
                    return True
        except OSError:  # ended meanwhile
            continue
    return False


class OneJob(SlurmTest):
    def run_over_two_nodes(self, launcher: str, **environment) -> str:
        started = time.monotonic()
        job = self.start("run", "--context", context, "--query", slurm_jobs.PASSKEY_PREFIX, "--keys", "model", "--out", self.out, "--launcher",
                         launcher, *TWO_BY_TWO, environment=environment)
        shown = self.finish(job)
        self.assertEqual(answers(self.out), one_process)
        hosts = [rank["host"] for rank in self.report()["ranks"]]
        self.assertEqual(sorted(hosts), ["n1", "n1", "n2", "n2"])
        self.note("run", launcher, "2 x 2", shown, started, "answers are those of one process")
        return self.log(job)

    def test_mpirun(self):
        """Also: each rank is bound to a core of its own."""
        log = self.run_over_two_nodes("mpirun", LARIMAR_LAUNCHER_FLAGS="--report-bindings")
        bound = re.findall(r"MCW rank (\d) bound to socket \d+\[core \d+", log)
        if os.cpu_count() >= 2:
            self.assertEqual(sorted(bound), list("0123"), log)
        print("".join(line + "\n" for line in log.splitlines() if "bound" in line), end="")

    def test_srun(self):
        self.run_over_two_nodes("srun")

    def test_threads_are_the_cores_of_a_task(self):
        job = self.start("run", "--context", context, "--query", "x", "--keys", "model", "--out", self.out, "--nodes", "2", "--ntasks-per-node", "1",
                         "--cpus-per-task", "2")
        self.finish(job)
        self.assertEqual(self.report()["config"]["threads"], 2)

    def test_a_failure_is_a_failed_job(self):
        """With larimar's own exit code, and without another turn."""
        memory = self.folder / "memory"
        shutil.copytree(unbroken, memory)
        log = max(memory.glob("log.*"), key=lambda path: path.stat().st_size)
        data = bytearray(log.read_bytes())
        data[len(data) // 2] ^= 1
        log.write_bytes(data)
        keys = faults.write_keys(self.folder / "keys.safetensors", 3, 1)
        for launcher in ("mpirun", "srun"):
            started = time.monotonic()
            job = self.start("ask", "--memory", memory, "--keys", keys, "--out", self.folder / "found.safetensors", "--requeue", "--launcher", launcher,
                             *TWO_BY_TWO)
            shown = self.finish(job, "FAILED", "65:0")
            self.assertEqual(shown["Restarts"], "0")
            self.note("ask, damaged memory", launcher, "2 x 2", shown, started, "larimar's exit code is the job's")


class Arrays(SlurmTest):
    ARGUMENTS = ("eval", "passkey", "--haystack", "generate:7", "--lengths", "400", "--depths", "0,50,100", "--digits", "3", "--key-modes", "segment",
                 "--forms", "prefix", "--keys", "model")

    def rows(self, out: pathlib.Path) -> list:
        lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
        return sorted((row["larimar"]["cell"], row["response"], row["larimar"]["context_xxh3"]) for row in map(json.loads, lines))

    def test_parts_and_a_dependent_merge(self):
        whole = self.folder / "whole"
        self.assertEqual(harness.Run([*self.ARGUMENTS, "--out", whole]).wait().code, 0)
        started = time.monotonic()
        parts, merge = self.start(*self.ARGUMENTS, "--out", self.out, "--array", "3", "--ntasks-per-node", "2").split()
        self.assertEqual(slurm_jobs.cluster.state(merge), "PENDING")
        self.finish(merge)
        self.assertEqual(len(list(self.out.glob("results.part-*-of-3.jsonl"))), 3)
        self.assertEqual(self.rows(self.out), self.rows(whole))
        self.assertEqual(len(self.rows(whole)), 3)
        for task in ("1", "2", "3"):
            shown = self.finish(f"{parts}_{task}")
        self.note("eval in 3 parts, merge", "mpirun", "3 x (1 x 2), 1", shown, started, "merged rows are those of one process")

    def test_one_part_comes_again(self):
        """The last task of an array has the number of the whole array: only that part may be queued again."""
        parts, merge = self.start(*self.ARGUMENTS, "--out", self.out, "--array", "2", "--ntasks-per-node", "1",
                                  environment={"LARIMAR_FAILPOINT": "shard.block.encoded:1+:delay=5"}).split()
        cluster = slurm_jobs.cluster
        cluster.wait_until(lambda: takes_signals(b"SLURM_ARRAY_TASK_ID=2"), 60, "part 2 is at work")
        call("scancel", "--batch", "--signal=USR1", f"{parts}_2")
        cluster.let_go_on(f"{parts}_2")
        self.assertEqual(self.finish(f"{parts}_1")["Restarts"], "0")
        self.assertEqual(self.finish(f"{parts}_2")["Restarts"], "1")
        self.finish(merge)
        self.assertEqual(len(self.rows(self.out)), 3)

    def test_no_merge_without_all_parts(self):
        """A part fails: its rows cannot be written over a folder."""
        (self.out / "results.part-2-of-2.jsonl").mkdir(parents=True)
        parts, merge = self.start(*self.ARGUMENTS, "--out", self.out, "--array", "2", "--ntasks-per-node", "1").split()
        self.assertEqual(slurm_jobs.cluster.wait_for(merge)["JobState"], "CANCELLED")
        self.assertEqual(slurm_jobs.cluster.state(f"{parts}_2"), "FAILED")
        self.assertFalse((self.out / "results.jsonl").exists())


class Requeue(SlurmTest):
    def setUp(self):
        super().setUp()
        self.memory, self.told = self.folder / "memory", self.folder / "acknowledged"

    def start_slow_ingest(self, launcher: str, *more, environment=None) -> str:
        """Until the first blocks are on disk: then it is in the middle of its work."""
        job = self.start("ingest", "--codes", codes, "--memory", self.memory, "--acknowledge", self.told, "--requeue", "--launcher", launcher, "--nodes", "2",
                         "--ntasks-per-node", "2", *more, environment={**SLOWLY, **(environment or {})})
        self.wait_for_lines(self.told, job)
        return job

    def finish_again(self, job: str, launcher: str, name: str, started: float):
        slurm_jobs.cluster.let_go_on(job)
        shown = self.finish(job)
        log = self.log(job)
        self.assertEqual(shown["Restarts"], "1", log)
        self.assertIn(f"job {job}, restart 0", log, "the log of the first turn is gone")
        self.assertIn(f"job {job}, restart 1", log)
        self.assertEqual(faults.snapshot(self.memory), faults.snapshot(unbroken))
        told = self.told.read_text().split()
        self.assertEqual(len(told), len(set(told)), "a block was done twice")
        self.note(name, launcher, "2 x 2", shown, started, "memory is byte for byte that of an unbroken ingest")

    def test_a_signal_before_the_limit(self):
        for launcher in ("mpirun", "srun"):
            with self.subTest(launcher=launcher):
                shutil.rmtree(self.memory, ignore_errors=True)
                self.told.unlink(missing_ok=True)
                started = time.monotonic()
                job = self.start_slow_ingest(launcher)
                call("scancel", "--batch", "--signal=USR1", job)  # what --signal=B:USR1@S does at its time
                slurm_jobs.cluster.wait_for(job, "PENDING")
                self.assertIn("stopped by SIGUSR1", self.log(job))
                self.finish_again(job, launcher, "ingest, USR1 before the limit", started)

    def test_an_evaluation_is_gone_on_with(self):
        arguments = [*Arrays.ARGUMENTS[:7], "0,20,40,60,80,100", *Arrays.ARGUMENTS[8:], "--out", self.out]
        whole = self.folder / "whole"
        self.assertEqual(harness.Run([*arguments[:-1], whole]).wait().code, 0)
        started = time.monotonic()
        job = self.start(*arguments, "--requeue", "--ntasks-per-node", "2", environment={"LARIMAR_FAILPOINT": "shard.block.encoded:1+:delay=1"})
        self.wait_for_lines(self.out / "results.jsonl", job)
        call("scancel", "--batch", "--signal=USR1", job)
        slurm_jobs.cluster.wait_for(job, "PENDING")
        before = (self.out / "results.jsonl").read_text()
        self.assertLess(len(before.splitlines()), 6, "it was done before it could be stopped")
        slurm_jobs.cluster.let_go_on(job)
        shown = self.finish(job)
        self.assertTrue((self.out / "results.jsonl").read_text().startswith(before), "rows of the first turn are gone")
        self.assertEqual(Arrays.rows(self, self.out), Arrays.rows(self, whole))
        self.note("eval, USR1 before the limit", "mpirun", "1 x 2", shown, started, "rows are those of one process, none twice")

    def test_a_node_is_taken_down(self):
        started = time.monotonic()
        job = self.start_slow_ingest("mpirun")
        call("scontrol", "update", "nodename=n2", "state=down", "reason=test")
        slurm_jobs.cluster.wait_for(job, "PENDING")
        call("scontrol", "update", "nodename=n2", "state=resume", check=False)  # it may have come back by itself
        self.finish_again(job, "mpirun", "ingest, node set down", started)

    def test_a_node_dies(self):
        """mpirun ends long before Slurm knows that the node is gone; job.sh finds out and asks for another turn."""
        self.lose_a_node("ingest, node killed")

    def test_a_node_dies_and_mpirun_does_not_say_so(self):
        """As Open MPI 5.0's, which ends with 0."""
        silent = self.folder / "bin" / "mpirun"
        silent.parent.mkdir()
        silent.write_text(f"#!/bin/sh\n{shutil.which(harness.settings.mpirun)} \"$@\"\nexit 0\n", encoding="utf-8")
        silent.chmod(0o755)
        self.lose_a_node("the same, mpirun ended with 0", {"PATH": f"{silent.parent}:{os.environ['PATH']}"})

    def lose_a_node(self, name: str, environment=None):
        started = time.monotonic()
        job = self.start_slow_ingest("mpirun", "--sbatch=--nodelist=n1,n2", environment=environment)
        slurm_jobs.cluster.kill_node("n2")
        try:
            slurm_jobs.cluster.wait_for(job, "PENDING")
            self.assertIn("does not answer; requeueing", self.log(job))
            slurm_jobs.cluster.start_node("n2")
            self.finish_again(job, "mpirun", name, started)
        finally:
            slurm_jobs.cluster.bring_back("n2")


if __name__ == "__main__":
    slurm_jobs.main()

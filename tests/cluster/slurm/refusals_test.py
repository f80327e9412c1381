#!/usr/bin/env python3
"""What cannot work is said in one clear sentence: by larimar-submit before a job waits, by job.sh on the node where something is
missing, by larimar where ranks do not find each other. Nothing that was refused is in the queue."""
import os
import pathlib
import shutil
import subprocess

import slurm_jobs
from slurm_jobs import SlurmTest, call, harness, texts


def setUpModule():
    slurm_jobs.set_up(2)


def tearDownModule():
    slurm_jobs.tear_down()


class Submit(SlurmTest):
    def setUp(self):
        super().setUp()
        self.context = self.write("context.txt", texts.PASSKEY)
        self.good = ["run", "--context", self.context, "--query", "x", "--out", self.out]

    def refuse(self, code: int, arguments, *words: str, environment=None):
        result = self.submit(*arguments, environment=environment)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        errors = [line for line in result.stderr.splitlines() if "error: " in line]
        self.assertEqual(len(errors), 1, result.stderr)
        for word in words:
            self.assertIn(word, errors[0])
        self.assertEqual(result.stdout, "")
        return errors[0]

    def test_commands_and_options(self):
        for arguments, word in (([], "Give a command"), (["fly"], "fly"), ([*self.good, "--contxt", "x"], "--contxt"), ([*self.good, "--nodes", "0"], "'0'"),
                                ([*self.good, "--time", "soon"], "'soon'"), ([*self.good, "--array", "2"], "evaluation"),
                                (["eval", "needle", "--haystack", "generate:1", "--array", "2"], "--out"),
                                (["eval", "needle", "--haystack", "generate:1", "--out", "x", "--part", "1/2", "--array", "2"], "--part"),
                                (["run", "--context", "-", "--query", "x"], "standard input")):
            with self.subTest(arguments=arguments):
                self.refuse(2, arguments, word)

    def test_paths(self):
        for arguments, code, word in ((["run", "--context", "absent.txt", "--query", "x"], 66, "absent.txt"), ([*self.good, "--queries", "q.jsonl"], 66, "q.jsonl"),
                                      (["ask", "--memory", "none", "--query", "x"], 66, "none"), (["eval", "run", "grid.yaml", "--out", "x"], 66, "grid.yaml"),
                                      (["run", "--context", self.context, "--query", "x", "--out", self.context / "out"], 73, "context.txt"),
                                      ([*self.good, "--model", "none"], 66, "--model")):
            with self.subTest(arguments=arguments):
                self.refuse(code, arguments, word)

    def test_a_machine_that_is_not_ready(self):
        without = self.folder / "bin"
        without.mkdir()
        (without / "python3").symlink_to(shutil.which("python3"))
        (without / "env").symlink_to(shutil.which("env"))
        self.refuse(78, self.good, "no Slurm on this machine", environment={"PATH": str(without)})
        self.refuse(78, [*self.good, "--partition", "nowhere"], "Slurm took no job", "nowhere")
        command = [harness.settings.source / "launch" / "larimar-submit", *self.good, "--program", self.folder / "absent"]
        result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 78, result.stderr)
        self.assertIn("launch/build.sh", result.stderr)

    def test_daemons_that_do_not_answer(self):
        cluster = slurm_jobs.cluster
        cluster.stop_munge()
        try:
            print(self.refuse(78, self.good, "munge does not answer"))
        finally:
            cluster.start_munge()
        call("scontrol", "shutdown", "slurmctld")
        try:
            cluster.wait_until(lambda: "DOWN" in call("scontrol", "ping", check=False), 30, "slurmctld has ended")
            print(self.refuse(78, self.good, "slurmctld does not answer"))
        finally:
            cluster.start_controller()
        cluster.wait_until(lambda: cluster.idle() == cluster.nodes, 60, "all nodes are idle")

    def test_a_dry_run_submits_nothing(self):
        result = self.submit("eval", "needle", "--haystack", "generate:1", "--out", self.out, "--array", "3", "--nodes", "2", "--dry-run")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = [line for line in result.stdout.splitlines() if line.startswith("LARIMAR_HOME=")]
        self.assertEqual(len(lines), 2)
        for word in ("--array=1-3", "--nodes=2", "--signal=B:USR1@120", "array.sbatch eval needle"):
            self.assertIn(word, lines[0])
        for word in ("--dependency=afterok:PARTS", "--ntasks-per-node=1", f"larimar.sbatch eval merge {self.out}"):
            self.assertIn(word, lines[1])
        self.assertIn("#SBATCH --requeue", result.stdout)
        self.assertIn("scontrol requeue", result.stdout)
        self.assertEqual(call("squeue", "-h"), "")
        self.assertFalse(self.out.exists())

    def test_help_and_the_body_alone(self):
        result = self.submit("--help")
        self.assertEqual(result.returncode, 0)
        for word in ("--ntasks-per-node", "exit codes", "eval passkey"):
            self.assertIn(word, result.stdout)
        body = harness.settings.source / "cluster" / "slurm" / "job.sh"
        result = subprocess.run([body, "run"], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 78)
        self.assertIn("larimar-submit", result.stderr)


class Nodes(SlurmTest):
    """job.sh looks at every node before it starts anything."""

    def setUp(self):
        super().setUp()
        self.good = ["run", "--context", self.write("context.txt", texts.PASSKEY), "--query", "x", "--keys", "model", "--out", self.out, "--nodes", "2",
                     "--ntasks-per-node", "1"]

    def refuse(self, *words: str, environment=None) -> str:
        job = self.start(*self.good, environment=environment)
        shown = self.finish(job, "FAILED", "78:0")
        self.assertEqual(shown["Restarts"], "0")
        errors = [line for line in self.log(job).splitlines() if "job.sh: error: " in line]
        self.assertGreaterEqual(len(errors), 1, self.log(job))
        for word in words:
            self.assertTrue(all(word in line for line in errors), self.log(job))
        self.assertFalse(self.out.exists(), "it was started all the same")
        return errors[0]

    def test_a_full_tmp(self):
        full = slurm_jobs.cluster.tmp / "full"
        slurm_jobs.cluster.in_node("n2", "sh", "-c", f"head -c 120m /dev/zero >{full}")
        try:
            print(self.refuse("node n2", "MiB free", "TMPDIR"))
        finally:
            slurm_jobs.cluster.in_node("n2", "rm", full)

    def test_a_tmp_with_a_long_name(self):
        """No sockets lie below it: neither mpirun nor srun minds. Slurm makes the folder on each node."""
        long = self.folder / ("t" * 120)
        for launcher in ("mpirun", "srun"):
            shutil.rmtree(self.out, ignore_errors=True)
            self.finish(self.start(*self.good, "--launcher", launcher, environment={"TMPDIR": str(long)}))
            self.assertEqual(len(self.report()["ranks"]), 2)

    def test_a_program_that_one_node_lacks(self):
        there = self.folder / "larimar"  # a file of another kind than the program, put in its place on one node
        shutil.copy(harness.settings.program, there)
        slurm_jobs.cluster.in_node("n2", "mount", "--bind", "/dev/null", there)
        job = self.start(*self.good, "--program", there)
        self.finish(job, "FAILED", "78:0")
        self.assertIn(f"node n2: {there}", self.log(job))
        slurm_jobs.cluster.in_node("n2", "umount", there)

    def test_a_node_that_does_not_answer(self):
        """Slurm believes in it for a while yet."""
        cluster = slurm_jobs.cluster
        cluster.kill_node("n2")
        try:
            job = self.start(*self.good)
            cluster.wait_for(job, "PENDING", "FAILED", "COMPLETED")
            cluster.wait_until(lambda: cluster.show(job).get("Restarts") == "1", 60, "the job is requeued")
            self.assertIn("does not answer; requeueing", self.log(job))
            cluster.start_node("n2")
            cluster.let_go_on(job)
            self.finish(job)
        finally:
            cluster.bring_back("n2")


class Ranks(SlurmTest):
    """Slurm's variables without an MPI that connects the ranks: each would take itself for the whole job."""

    def setUp(self):
        super().setUp()
        context = self.write("context.txt", texts.PASSKEY)
        self.command = [str(harness.settings.program), "run", "--context", str(context), "--query", "x", "--keys", "model", "--out", str(self.out)]

    def start_by(self, *launcher: str) -> subprocess.CompletedProcess:
        return subprocess.run([*launcher, *self.command], capture_output=True, text=True, timeout=120, cwd=self.folder,
                              env={**os.environ, "LARIMAR_HOME": str(harness.settings.source)})

    def refused(self, result: subprocess.CompletedProcess, *words: str):
        self.assertNotEqual(result.returncode, 0, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse(self.out.exists())

    def test_a_shell_of_salloc(self):
        result = self.start_by("salloc", "-Q", "-N", "2", "--ntasks-per-node=2")
        self.refused(result, "srun --mpi=pmix")
        self.assertEqual(result.returncode, 78)

    def test_srun_without_an_mpi(self):
        result = self.start_by("srun", "--mpi=none", "-N", "2", "-n", "4")
        self.refused(result, "4 ranks were asked for", "srun --mpi=pmix")
        self.assertEqual(result.returncode, 78)

    def test_srun_with_another_mpi(self):
        """Debian's Open MPI has no PMI2; what it says stands in docs/clusters.md."""
        result = self.start_by("srun", "--mpi=pmi2", "-N", "2", "-n", "2")
        self.refused(result)
        print(result.stderr)

    def test_what_is_right(self):
        result = self.start_by("salloc", "-Q", "-N", "2", "--ntasks-per-node=1", "srun", "--mpi=pmix")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(self.report()["ranks"]), 2)


if __name__ == "__main__":
    slurm_jobs.main()

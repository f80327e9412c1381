#!/usr/bin/env python3
"""How the program is started: options, environment, copies that do not know of each other, places where it may not write,
ranks that are killed."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

import harness
import texts
from harness import ProgramTest, Run, skip_loudly

RANKS = 3


class CommandLine(ProgramTest):
    def test_version_and_help_print_once(self):
        for arguments, word in ((["--version"], "larimar 0."), (["--help"], "Subcommands:"), (["run", "--help"], "--key-mode")):
            for ranks in (0, RANKS):
                result = self.run_program(*arguments, ranks=ranks)
                self.assertEqual(result.code, 0, result.err)
                self.assertEqual(result.out.count(word), 1, result.out)

    def test_what_cannot_be_understood(self):
        context = self.write("context.txt", texts.PASSKEY)
        for arguments, word in (([], "subcommand"), (["run"], "--context"), (["fly"], "fly"), (["run", "--context", context, "--contxt", "x"], "--contxt"),
                                (["run", "--context", context, "--reads", "0"], "--reads"),
                                (["run", "--context", context, "--threads", "many"], "--threads"),
                                (["run", "--context", context, "--keys", "guess"], "--keys")):
            result = self.run_program(*arguments)
            self.assertEqual(result.code, 2, result.err)
            self.assertIn(word, result.err)

    def test_rank_0_speaks_even_if_it_comes_last(self):
        """mpirun ends the job when the first rank leaves with an error."""
        context = self.write("context.txt", texts.PASSKEY)
        late = self.write("late.sh", '#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 0 ] && sleep 1.5\nexec "$@"\n')
        late.chmod(0o755)
        result = self.run_program("run", "--context", context, "--nonsense", ranks=RANKS, wrapper=[str(late)])
        self.assertEqual(result.code, 2)
        self.assertEqual(result.err.count("--nonsense"), 1, result.err)

    def test_options_from_the_environment(self):
        context = self.write("context.txt", texts.story(12, 1, {5: texts.PASSKEY}))
        self.assert_done(self.ask(context, environment={"LARIMAR_RUN_READS": "3"}, ranks=2))
        self.assertEqual((len(self.answers()[0]["decoded"]), self.report()["config"]["reads"]), (3, 3))
        self.assert_done(self.ask(context, "--reads", "2", environment={"LARIMAR_RUN_READS": "3"}))
        self.assertEqual(len(self.answers()[0]["decoded"]), 2, "the command line goes before the environment")
        self.assertEqual(self.ask(context, environment={"LARIMAR_RUN_READS": "no"}).code, 2)

    def test_answers_on_standard_output(self):
        context = self.write("context.txt", texts.story(12, 1, {5: texts.PASSKEY}))
        result = self.ask(context, "--json", ranks=2)
        self.assert_done(result)
        self.assertEqual(result.out, (self.out / "answers.jsonl").read_text(encoding="utf-8"))


class Keys(ProgramTest):
    def test_minilm_that_is_not_there(self):
        context = self.write("context.txt", texts.PASSKEY)
        result = self.run_program("run", "--context", context, "--query", "x", "--out", self.out, "--keys", "minilm", "--keys-folder",
                                  self.folder / "absent", ranks=RANKS)
        self.assert_refused(result, 78, "absent", "--keys model", "install.sh")

    def test_auto_falls_back_and_says_so(self):
        context = self.write("context.txt", texts.PASSKEY)
        result = self.run_program("run", "--context", context, "--query", "x", "--out", self.out, "--keys-folder",
                                  self.folder / "absent", ranks=2)
        self.assert_done(result)
        self.assertIn("keys: model", result.err)
        self.assertEqual(self.report()["config"]["keys"], "model")


class Singletons(ProgramTest):
    """Copies that each take themselves for the whole job would do the work several times and write the same files."""

    def test_ranks_that_do_not_find_each_other(self):
        context = self.write("context.txt", texts.PASSKEY)
        for environment in ({"OMPI_COMM_WORLD_SIZE": "4"}, {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, {"PMI_SIZE": "2", "PMI_RANK": "0"}):
            with self.subTest(environment=environment):
                result = self.ask(context, environment=environment)
                self.assert_refused(result, 78, "mpirun", "srun")
                self.assertFalse(self.out.exists())

    def test_one_rank_is_no_singleton(self):
        context = self.write("context.txt", texts.PASSKEY)
        self.assert_done(self.ask(context, ranks=1))
        self.assert_done(self.ask(context, environment={"SLURM_NTASKS": "1", "SLURM_PROCID": "0"}))


class BadOutput(ProgramTest):
    def test_folder_below_a_file(self):
        context = self.write("context.txt", texts.PASSKEY)
        out = self.write("file", "here") / "out"
        self.assert_refused(self.ask(context, out=out, ranks=RANKS), 73, "file/out", out=self.folder / "none")
        self.assertEqual((self.folder / "file").read_text(encoding="utf-8"), "here")

    def full_disk(self, size: str) -> pathlib.Path:
        disk = self.folder / "disk"
        disk.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=False,
                                               capture_output=True).returncode != 0:
            skip_loudly("a full disk: mounting one takes root")
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        return disk

    def test_disk_full_from_the_start(self):
        context = self.write("context.txt", texts.PASSKEY)
        disk = self.full_disk("64k")
        with (disk / "other").open("wb") as file:
            try:
                file.write(bytes(1 << 20))
            except OSError:
                pass
        self.out = disk / "out"
        result = self.ask(context, ranks=RANKS)
        self.assertIn(result.code, (73, 74), result.err)
        self.assertIn("run.json", result.err)
        self.assertIn("No space left", result.err)
        self.assertEqual([path.name for path in self.out.iterdir()] if self.out.exists() else [], [])

    def test_disk_fills_while_answers_are_written(self):
        context = self.write("context.txt", texts.story(60, 4))
        queries = self.write("q.jsonl", "".join(f'{{"prefix": "{" ".join(s.split()[:4])}"}}\n' for s in texts.sentences(60, 4)))
        self.out = self.full_disk("64k") / "out"
        result = self.ask(context, "--queries", queries, "--reads", "8", query=None, ranks=2)
        self.assert_refused(result, 74, "answers.jsonl", "No space left")


class KilledRank(ProgramTest):
    def test_the_job_ends(self):
        context = self.write("context.txt", texts.story(20_000, 5))
        for victim in (0, -1):  # mpirun's children in the order of their start: the coordinator, and a shard
            with self.subTest(victim=victim):
                run = Run(["run", "--context", context, "--query", "x", "--out", self.out, "--keys", "model", "--quiet"], RANKS)
                while len(run.ranks()) < RANKS or not (self.out / "run.json").exists():
                    self.assertIsNone(run.process.poll(), "ended too early")
                    time.sleep(0.05)
                time.sleep(2.0)  # into ingest
                self.assertIsNone(run.process.poll(), "the context is too short to be interrupted")
                os.kill(run.ranks()[victim], signal.SIGKILL)
                killed = time.monotonic()
                result = run.wait()
                self.assertLess(time.monotonic() - killed, 15)
                self.assertNotEqual(result.code, 0)
                report = self.report()
                self.assertEqual(report["status"], "failed")
                self.assertIn("has not ended", report["error"])
                self.assertFalse((self.out / "answers.jsonl").exists())
                self.assert_nothing_half_written()
                shutil.rmtree(self.out)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""An ingest that is told to stop: by SIGTERM or SIGUSR1 to a rank, to all of them or to mpirun, or by --max-time. It flushes and
ends with 75 within five seconds, the same command goes on, and the end is byte for byte that of an unbroken ingest."""
import os
import pathlib
import shutil
import signal
import tempfile
import time

import faults
import memory_reader
from faults import harness, snapshot
from harness import ProgramTest, Run
import texts

RANKS = 3
SECONDS = 5.0
SLOWLY = {"LARIMAR_FAILPOINT": "shard.block.encoded:1+:delay=0.3"}  # so that it is not done before it can be stopped
counts = {"stops": 0, "slowest_end_s": 0.0, "acknowledged": 0, "lost": 0, "resumed_identical": 0}


def setUpModule():
    global folder, context, unbroken
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larimar-interrupts-"))
    context = folder / "context"
    context.mkdir()
    # Several documents, so that there are blocks enough for group commits in between; together 54 KB.
    for part in range(24):
        (context / f"part{part:02d}.txt").write_text(texts.story(40, part), encoding="utf-8")
    unbroken = folder / "unbroken"
    started = time.monotonic()
    result = Run(ingest(unbroken), RANKS).wait(180)
    assert result.code == 0, result.err
    counts["unbroken_s"] = round(time.monotonic() - started, 1)


def tearDownModule():
    shutil.rmtree(folder, ignore_errors=True)
    faults.add_counts("interrupts", {**counts, "slowest_end_s": round(counts["slowest_end_s"], 2)})


def ingest(memory: pathlib.Path, *more) -> list:
    return ["ingest", "--memory", memory, "--context", context, "--keys", "model", "--quiet", *more]


class Interrupts(ProgramTest):
    def setUp(self):
        super().setUp()
        self.memory, self.told = self.folder / "memory", self.folder / "acknowledged"

    def acknowledged(self) -> list[int]:
        return [int(line) for line in self.told.read_text(encoding="utf-8").split()] if self.told.exists() else []

    def start(self) -> Run:
        """Until the first blocks are acknowledged: then it is in the middle of its work."""
        run = Run(ingest(self.memory, "--acknowledge", self.told), RANKS, SLOWLY)
        until = time.monotonic() + harness.DEADLINE
        while not self.acknowledged() and run.process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        self.assertIsNone(run.process.poll(), "it ended before it could be stopped")
        return run

    def assert_stopped(self, run: Run, started: float, code):
        result = run.wait()
        seconds = time.monotonic() - started
        if code is not None:
            self.assertEqual(result.code, code, result.err)
            self.assertEqual(len(faults.errors_of(result)), 1, result.err)
            self.assertIn("the same command again goes on", result.err)
        self.assertLess(seconds, SECONDS)
        counts["stops"] += 1
        counts["slowest_end_s"] = max(counts["slowest_end_s"], seconds)
        self.assert_nothing_lost()

    def assert_nothing_lost(self):
        there = memory_reader.blocks_on_disk(self.memory)
        lost = set(self.acknowledged()) - set(there)
        counts["acknowledged"] += len(self.acknowledged())
        counts["lost"] += len(lost)
        self.assertFalse(lost)
        self.assertEqual(len(there), len(set(there)))

    def assert_goes_on(self):
        before = len(memory_reader.blocks_on_disk(self.memory))
        result = Run(ingest(self.memory, "--acknowledge", self.told), 2).wait()
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(snapshot(self.memory), snapshot(unbroken))
        told = self.acknowledged()
        self.assertEqual(len(told), len(set(told)), "a block was done twice")
        counts["resumed_identical"] += 1
        counts["blocks_kept"] = counts.get("blocks_kept", 0) + before
        memory_reader.check_complete(self.memory)

    def test_signals_to_ranks(self):
        for number, which in ((signal.SIGTERM, "one"), (signal.SIGUSR1, "all")):
            with self.subTest(signal=number.name, ranks=which):
                shutil.rmtree(self.memory, ignore_errors=True)
                self.told.unlink(missing_ok=True)
                run = self.start()
                ranks = run.ranks()
                started = time.monotonic()
                for pid in ranks if which == "all" else ranks[-1:]:
                    os.kill(pid, number)
                self.assert_stopped(run, started, 75)
                self.assert_goes_on()

    def test_signals_to_mpirun(self):
        """It may kill its ranks before they are done, so only nothing lost is asked for after SIGTERM."""
        for number in (signal.SIGTERM, signal.SIGUSR1):
            with self.subTest(signal=number.name):
                shutil.rmtree(self.memory, ignore_errors=True)
                self.told.unlink(missing_ok=True)
                run = self.start()
                started = time.monotonic()
                run.process.send_signal(number)
                self.assert_stopped(run, started, None if number == signal.SIGTERM else 75)
                self.assert_goes_on()

    def test_codes_from_a_file(self):
        """By a signal to all ranks, then by a time limit, then to the end."""
        codes = faults.write_codes(self.folder / "codes.safetensors", list(range(3200)), 1)
        whole = self.folder / "whole"
        self.assert_done(Run(["ingest", "--codes", codes, "--memory", whole]).wait())
        arguments = ["ingest", "--codes", codes, "--memory", self.memory, "--acknowledge", self.told]
        slowly = {"LARIMAR_FAILPOINT": "shard.block.appended:1+:delay=0.25"}
        run = Run(arguments, RANKS, slowly)
        until = time.monotonic() + harness.DEADLINE
        while not self.acknowledged() and run.process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        started = time.monotonic()
        for pid in run.ranks():
            os.kill(pid, signal.SIGTERM)
        self.assert_stopped(run, started, 75)
        limited = Run([*arguments, "--max-time", "1"], 1, slowly).wait()
        self.assertEqual(limited.code, 75, limited.err)
        counts["stops"] += 1
        self.assert_nothing_lost()
        self.assert_done(Run(arguments, 2).wait())
        self.assertEqual(snapshot(self.memory), snapshot(whole))
        counts["resumed_identical"] += 1

    def test_time_limit(self):
        run = Run(ingest(self.memory, "--acknowledge", self.told, "--max-time", "1"), RANKS, SLOWLY)
        result = run.wait()
        self.assertEqual(result.code, 75, result.err)
        self.assertIn("--max-time", result.err)
        counts["stops"] += 1
        self.assert_nothing_lost()
        self.assert_goes_on()


if __name__ == "__main__":
    harness.main()

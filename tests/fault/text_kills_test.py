#!/usr/bin/env python3
"""Ranks that are killed while a text memory is written or asked: the whole job ends soon, nothing is left running, the memory is
as it was, and the same command does its work."""
import collections
import pathlib
import shutil
import tempfile
import time

import faults
import kill_plan
from faults import harness, snapshot
from harness import ProgramTest, Run
import texts

RANKS = 4  # coordinator, two shards, decoder
SOON = 10.0  # seconds from the death of a rank to the end of the job
SHORT = ("launch.models.loaded", "shard.read.hand_over", "coordinator.read.assemble", "coordinator.answers.write", "decoder.decode",
         "decoder.decoded")
RANK_OF = {"coordinator": 0, "shard": 2, "decoder": 3, "launch": 3}
kills, slowest, answers_after = collections.Counter(), 0.0, 0


def setUpModule():
    global folder, context, memory
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larimar-text-kills-"))
    context = folder / "context.txt"
    context.write_text(texts.story(40, 1, {20: texts.PASSKEY}), encoding="utf-8")
    memory = folder / "memory"
    result = Run(ingest(memory)).wait()
    assert result.code == 0, result.err


def tearDownModule():
    shutil.rmtree(folder, ignore_errors=True)
    faults.add_counts("text_kills", {"kills": sum(kills.values()), "by_failpoint": dict(sorted(kills.items())),
                                     "slowest_end_s": round(slowest, 2), "answered_afterwards": answers_after})


def ingest(target: pathlib.Path) -> list:
    return ["ingest", "--memory", target, "--context", context, "--keys", "model", "--quiet"]


def seconds_from_death(run: Run) -> float:
    """From the first missing rank to the end of mpirun."""
    known: set[int] = set()
    died = None
    while run.process.poll() is None:
        now = set(run.ranks())
        if died is None and known - now:
            died = time.monotonic()
        known |= now
        time.sleep(0.05)
    return 0.0 if died is None else time.monotonic() - died


class Kills(ProgramTest):
    def kill(self, arguments: list, ranks: int, name: str, rank: int):
        global slowest
        run = Run(arguments, ranks, {"LARIMAR_FAILPOINT": f"{name}:1:kill:{rank}"})
        seconds = seconds_from_death(run)
        result = run.wait()  # fails if a process is left
        self.assertNotEqual(result.code, 0, f"{name} on rank {rank} did not end the job")
        self.assertLess(seconds, SOON)
        kills[name] += 1
        slowest = max(slowest, seconds)

    def test_asking(self):
        global answers_after
        before = snapshot(memory)
        ask = ["ask", "--memory", memory, "--query", "The pass key of the red door is", "--out", self.out, "--quiet"]
        for name in kill_plan.TEXT_ASK if faults.rounds(60, 300) >= 300 else SHORT:
            with self.subTest(failpoint=name):
                self.kill(ask, RANKS, name, RANK_OF[name.split(".")[0]])
                self.assertEqual(snapshot(memory), before)
                if self.report()["status"] == "ok":
                    self.fail("run.json says ok for a job that was killed")
        self.assert_done(Run(ask, 1).wait())
        self.assertIn("48213", self.answers()[0]["answer"])
        self.assertEqual(snapshot(memory), before)
        answers_after += 1

    def test_ingest(self):
        before = snapshot(memory)
        for name, rank in (("launch.ingest.begin", 0), ("shard.block.encoded", 1)):
            target = self.folder / name
            self.kill(ingest(target), 2, name, rank)
            self.assert_done(Run(ingest(target), 1).wait())
            self.assertEqual(snapshot(target), before, name)

    def test_a_learnt_key_memory(self):
        """A codebook is made from the logs: neither a kill before it is written nor the number of ranks changes it."""
        codes = faults.write_codes(self.folder / "codes.safetensors", list(range(300)), 1)
        arguments = ["ingest", "--codes", codes, "--slots", "8", "--memory"]
        whole, killed = self.folder / "whole", self.folder / "killed"
        self.assert_done(Run([*arguments, whole]).wait())
        for rank in (0, 1):
            self.kill([*arguments, killed], 2, "launch.key_memory.write", rank)
        self.assert_done(Run([*arguments, killed], 3).wait())
        self.assertEqual(snapshot(killed), snapshot(whole))


if __name__ == "__main__":
    harness.main()

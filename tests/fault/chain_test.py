#!/usr/bin/env python3
"""One memory, many numbers of ranks: answers bitwise those of one rank, and an ingest that changes ranks on its way."""
import os
import pathlib
import shutil
import signal
import time

import faults
import memory_reader
from faults import harness, snapshot
from harness import ProgramTest, Run
import texts

CHAIN = (1, 2, 3, 4, 7, 1)
counts = {"asked_on": [], "equal_answers": 0, "ingest_killed_on": [], "identical": 0}


def tearDownModule():
    faults.add_counts("rank_chain", counts)


class Chains(ProgramTest):
    def must(self, arguments: list, ranks: int):
        self.assert_done(Run(arguments, ranks).wait())

    def ask(self, memory: pathlib.Path, ranks: int) -> dict[str, bytes]:
        found = self.folder / "found.safetensors"
        self.must(["ask", "--memory", memory, "--keys", self.keys, "--out", found], ranks)
        tensors = faults.read_safetensors(found)
        return {name: tensors[name] for name in ("z", "score", "id")}  # slot and shard are of the number of ranks

    def test_one_memory_on_many_ranks(self):
        """Ingest on 1, append on 2, ask on 3, forget on 4, ask on 7 and 1, beside a memory that only ever saw one rank."""
        first = faults.write_codes(self.folder / "first.safetensors", list(range(700)), 1)
        more = faults.write_codes(self.folder / "more.safetensors", list(range(1000, 1500)), 2)
        self.keys = faults.write_keys(self.folder / "keys.safetensors", 40, 3)
        many, one = self.folder / "many", self.folder / "one"
        steps = [(["ingest", "--codes", first], 1), (["append", "--codes", more], 2), (["ask"], 3),
                 (["forget", "--id", "3,77,400,1003,1499"], 4), (["ask"], 7), (["ask"], 1)]
        for (command, *arguments), ranks in steps:
            if command == "ask":
                self.assertEqual(self.ask(many, ranks), self.ask(one, 1), f"asked on {ranks} ranks")
                counts["asked_on"].append(ranks)
                counts["equal_answers"] += 40
                continue
            self.must([command, "--memory", many, *arguments], ranks)
            self.must([command, "--memory", one, *arguments], 0)
            self.assertEqual(snapshot(many), snapshot(one), f"{command} on {ranks} ranks")
            counts["identical"] += 1

    def kill_part_way(self, arguments: list, ranks: int, told: pathlib.Path, failpoint: str):
        """Once one more block is acknowledged. A delay in each block makes sure that it is in the middle."""
        before = told.read_text(encoding="utf-8") if told.exists() else ""
        run = Run(arguments, ranks, {"LARIMAR_FAILPOINT": failpoint})
        until = time.monotonic() + harness.DEADLINE
        while run.process.poll() is None and time.monotonic() < until:
            if told.exists() and told.read_text(encoding="utf-8") != before:
                break
            time.sleep(0.02)
        for pid in harness.marked_processes(run.mark):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.assertNotEqual(run.wait().code, 0, f"on {ranks} ranks it ended before it could be killed")
        counts["ingest_killed_on"].append(ranks)

    def resumed(self, arguments: list, failpoint: str):
        memory, whole, told = self.folder / "memory", self.folder / "whole", self.folder / "told"
        self.must([*arguments, "--memory", whole], 0)
        killed = [*arguments, "--memory", memory, "--acknowledge", told]
        for ranks in CHAIN[:-1]:
            self.kill_part_way(killed, ranks, told, failpoint)
            there = memory_reader.blocks_on_disk(memory)
            self.assertEqual(len(there), len(set(there)))
            self.assertLessEqual(set(map(int, told.read_text(encoding="utf-8").split())), set(there))
        self.must(killed, CHAIN[-1])
        self.assertEqual(snapshot(memory), snapshot(whole))
        lines = told.read_text(encoding="utf-8").split()
        self.assertEqual(len(lines), len(set(lines)), "a block was acknowledged twice")
        memory_reader.check_complete(memory)
        counts["identical"] += 1
        shutil.rmtree(memory)

    def test_an_ingest_of_codes_resumed_on_other_ranks(self):
        codes = faults.write_codes(self.folder / "codes.safetensors", list(range(6400)), 4)
        self.resumed(["ingest", "--codes", codes], "shard.block.appended:1+:delay=0.3")

    def test_an_ingest_of_text_resumed_on_other_ranks(self):
        context = self.folder / "context"
        context.mkdir()
        for part in range(40):
            (context / f"part{part:02d}.txt").write_text(texts.story(4, part), encoding="utf-8")
        self.resumed(["ingest", "--context", context, "--keys", "model", "--quiet"], "shard.block.encoded:1+:delay=0.5")


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Failing calls, half writes and turned bits under the commands over a memory: one clear error with the documented exit code,
and the same command again ends as if nothing had happened; a turned bit is named by verify."""
import collections
import json
import pathlib
import random
import shutil
import tempfile

import faults
import kill_plan
import memory_reader
from faults import harness, snapshot
from harness import ProgramTest, Run

WRITES = ("store.lock.write", "store.log.header", "store.log.append", "store.atomic.write")  # a write call follows
COMMANDS = ("ingest", "append", "update", "forget", "ask")
# EX_IOERR, EX_CANTCREAT, EX_NOINPUT; a fault of the program itself
CODES = {"eio": (74, 73, 66), "enospc": (74, 73, 66), "throw": (70,)}
counts = collections.Counter()


class World:
    """A memory after each command, made by one rank that nobody disturbs, and the inputs."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larimar-actions-"))
        self.first = faults.write_codes(self.folder / "first.safetensors", list(range(400)), 1)
        self.more = faults.write_codes(self.folder / "more.safetensors", list(range(1000, 1200)), 2)
        self.changed = faults.write_codes(self.folder / "changed.safetensors", [3, 5, 300], 3)
        self.keys = faults.write_keys(self.folder / "keys.safetensors", 3, 4)
        memory = self.folder / "memory"
        for command in COMMANDS:
            if memory.exists():
                shutil.copytree(memory, self.before(command))
            result = Run(self.arguments(command, memory)).wait()
            assert result.code == 0, result.err
            shutil.copytree(memory, self.after(command))

    def before(self, command: str) -> pathlib.Path:
        return self.folder / f"before-{command}"

    def after(self, command: str) -> pathlib.Path:
        return self.folder / f"after-{command}"

    def arguments(self, command: str, memory: pathlib.Path) -> list:
        return [command, "--memory", memory, *{
            "ingest": ["--codes", self.first], "append": ["--codes", self.more], "update": ["--codes", self.changed],
            "forget": ["--id", "7,8,9"], "ask": ["--keys", self.keys, "--out", memory.parent / "found.safetensors"]}[command]]


def setUpModule():
    global world
    world = World()


def tearDownModule():
    shutil.rmtree(world.folder, ignore_errors=True)
    faults.add_counts("actions", dict(counts))


def cases() -> list[tuple[str, str, str, str]]:
    """(failpoint, action, command, role): all there are."""
    listed = json.loads(Run(["info", "--failpoints", "--json"]).wait().out)["failpoints"]
    takes_io = {entry["name"] for entry in listed if entry["io"]}
    found = []
    for name, places in kill_plan.CODES.items():
        for command, (role, _) in places.items():
            actions = ["throw", *(["eio", "enospc"] if name in takes_io else [])]
            found += [(name, action, command, role) for action in actions]
    return found


class Actions(ProgramTest):
    def start(self, command: str, ranks: int, failpoint: str):
        self.memory = self.folder / "memory"
        shutil.rmtree(self.memory, ignore_errors=True)
        if world.before(command).exists():
            shutil.copytree(world.before(command), self.memory)
        return Run(world.arguments(command, self.memory), ranks, {"LARIMAR_FAILPOINT": failpoint} if failpoint else {}).wait()

    def assert_as_unbroken(self, command: str):
        again = Run(world.arguments(command, self.memory)).wait()
        if not (command == "forget" and again.code == 3 and "no such segments" in again.err):  # it failed after its commit
            self.assertEqual(again.code, 0, again.err)
        self.assertEqual(snapshot(self.memory), snapshot(world.after(command)))
        memory_reader.check_complete(self.memory)

    def test_calls_that_fail(self):
        """A sample by seed: 10 in the short form, 50 in the long one; LARIMAR_FAULT_ROUNDS=2000 takes all."""
        everything = cases()
        source = random.Random(7)
        chosen = source.sample(everything, min(len(everything), faults.rounds(60, 300) // 6))
        for name, action, command, role in chosen:
            ranks = source.choice([1, 1, 2])
            rank = {"root": 0, "shard": ranks - 1, "any": source.randrange(ranks)}[role]
            with self.subTest(failpoint=name, action=action, command=command, ranks=ranks, rank=rank):
                result = self.start(command, ranks, f"{name}:1:{action}:{rank}")
                counts["calls_failed"] += 1
                self.assertIn(result.code, CODES[action], result.err)
                errors = faults.errors_of(result)
                self.assertEqual(len(errors), 1, result.err)
                self.assertRegex(errors[0], name if action == "throw" else "Input/output error|No space left")
                self.assert_as_unbroken(command)
                counts["sound_after_running_again"] += 1

    def test_half_writes_are_gone_on_with(self):
        for name in WRITES:
            result = self.start("ingest", 1, f"{name}:1:short-write")
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(snapshot(self.memory), snapshot(world.after("ingest")), name)
            counts["half_writes"] += 1

    def test_a_turned_bit_is_named(self):
        for name, nth, word in (("store.log.append", 2, "log.001"), ("store.log.header", 1, "log.000"),
                                ("store.atomic.write", 2, "manifest.0")):
            with self.subTest(failpoint=name, nth=nth):
                result = self.start("ingest", 1, f"{name}:{nth}:bitflip")
                self.assertIn(result.code, (0, 65), result.err)
                checked = faults.verify(self.memory)
                self.assertEqual(checked.code, 65, checked.out)
                self.assertIn(word, checked.out + checked.err)
                with self.assertRaises(memory_reader.Damaged):
                    memory_reader.check_complete(self.memory)
                counts["turned_bits_named"] += 1


if __name__ == "__main__":
    harness.main()

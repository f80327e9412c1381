#!/usr/bin/env python3
"""Kills commands over a memory, at each failpoint and at random times, runs them again, and keeps its own list of what was
acknowledged: nothing of it may be lost or be there twice, and the memory ends as if nothing had happened, byte by byte.

usage: kill_driver.py PROGRAM MPIRUN SOURCE_DIR    LARIMAR_FAULT_ROUNDS: kills (60; 300 with LARIMAR_FULL_TESTS=1);
LARIMAR_FAULT_SEED: what is random (1). The last line reads "larimar faults PASSED" if all was well.
"""
import collections
import dataclasses
import os
import pathlib
import random
import shutil
import signal
import tempfile
import time

import faults
import kill_plan
import memory_reader
from faults import harness, snapshot

MAX_DEPTH = 5  # kills in a row, the later ones while the first is recovered from
SLOW = "shard.block.appended:1+:delay=0.06,store.log.sync:1+:delay=0.02"  # so that random times hit the work


@dataclasses.dataclass
class Kill:
    name: str  # of a failpoint; empty: at a random time
    nth: int = 1
    role: str = "any"


class Driver:
    def __init__(self, folder: pathlib.Path, kills: int, seed: int):
        self.folder, self.wanted = folder, kills
        self.random = random.Random(seed)
        self.memory, self.acknowledged = folder / "memory", folder / "acknowledged"
        self.counts = collections.Counter()
        self.by_failpoint, self.by_role, self.by_ranks = collections.Counter(), collections.Counter(), collections.Counter()
        self.missed = collections.Counter()
        self.tried: set[tuple[str, str]] = set()
        self.failures: list[str] = []
        self.make_inputs()
        self.steps = ["ingest", "ask", "append", "update", "forget", "ask"]
        self.expected: dict[int, dict[str, str]] = {}
        self.expected_found: dict[int, dict[str, bytes]] = {}
        self.usual = 1.0  # seconds of a command

    def make_inputs(self) -> None:
        self.first = faults.write_codes(self.folder / "first.safetensors", list(range(1200)), 1)
        self.more = faults.write_codes(self.folder / "more.safetensors", list(range(5000, 5700)), 2)
        self.changed = faults.write_codes(self.folder / "changed.safetensors", list(range(30, 1200, 9)), 3)
        self.keys = faults.write_keys(self.folder / "keys.safetensors", 7, 4)

    def arguments(self, step: int) -> list:
        command, memory, found = self.steps[step], ["--memory", self.memory], ["--out", self.folder / "found.safetensors"]
        return [command, *memory, *{
            "ingest": ["--codes", self.first, "--acknowledge", self.acknowledged],
            "append": ["--codes", self.more, "--acknowledge", self.acknowledged],
            "update": ["--codes", self.changed],
            "forget": ["--id", ",".join(map(str, range(5, 1200, 40)))],
            "ask": ["--keys", self.keys, *found]}[command]]

    def unbroken(self) -> None:
        """The memory after each step, by one rank that nobody disturbs."""
        for step in range(len(self.steps)):
            result = harness.Run(self.arguments(step)).wait()
            if result.code != 0:
                raise SystemExit(f"{self.steps[step]} without any fault ended with {result.code}: {result.err}")
            self.expected[step] = snapshot(self.memory)
            shutil.copytree(self.memory, self.folder / f"unbroken{step}")
            self.expected_found[step] = self.found()
        if len(set(map(str, self.expected.values()))) != 4:
            self.fail("the steps do not differ in what they leave on disk; this test cannot tell them apart")

    def found(self) -> dict[str, bytes]:
        """What ask found; which shard had it, and where, depends on the number of ranks."""
        path = self.folder / "found.safetensors"
        return {name: faults.read_safetensors(path)[name] for name in ("z", "score", "id")} if path.exists() else {}

    def fail(self, text: str) -> None:
        self.failures.append(text)
        print(f"FAILURE: {text}", flush=True)

    def is_done(self, result: harness.Result, step: int) -> bool:
        """Where an earlier kill came after the commit, a forget says that there is nothing to forget; check_step() compares."""
        return result.code == 0 or (self.steps[step] == "forget" and result.code == 3 and "no such segments" in result.err)

    def acknowledged_blocks(self) -> list[int]:
        if not self.acknowledged.exists():
            return []
        return [int(line) for line in self.acknowledged.read_text(encoding="utf-8").split()]

    def look(self, where: str) -> None:
        """After a kill: what was acknowledged is in whole records, once."""
        told = self.acknowledged_blocks()
        there = collections.Counter(memory_reader.blocks_on_disk(self.memory) if self.memory.is_dir() else [])
        lost = [block for block in told if there[block] == 0]
        twice = [block for block, count in there.items() if count > 1]
        again = [block for block, count in collections.Counter(told).items() if count > 1]
        self.counts["lost"] += len(lost)
        self.counts["duplicated"] += len(twice) + len(again)
        if lost or twice or again:
            self.fail(f"{where}: lost {lost}, twice on disk {twice}, acknowledged twice {again}")

    def start(self, step: int, ranks: int, failpoints: str) -> harness.Run:
        environment = {"LARIMAR_FAILPOINT": failpoints} if failpoints else {}
        return harness.Run(self.arguments(step), ranks, environment)

    def kill_at(self, step: int, ranks: int, kill: Kill) -> bool:
        """Whether the command was killed; if not, the failpoint was not on its way and it is done."""
        storing = [0] if ranks == 1 else list(range(1, ranks))
        rank = {"root": 0, "shard": self.random.choice(storing), "any": self.random.randrange(ranks)}[kill.role]
        result = self.start(step, ranks, f"{kill.name}:{kill.nth}:kill:{rank}").wait()
        if self.is_done(result, step):
            self.missed[kill.name] += 1
            return False
        if result.code not in (137, -9) and "signal 9" not in result.err:
            self.fail(f"{self.steps[step]} with {kill.name} ended with {result.code}: {result.err}")
        self.note_kill(kill.name, kill_plan.role_of(kill.name, kill.role, rank), ranks)
        return True

    def kill_sometime(self, step: int, ranks: int) -> bool:
        """Kills one rank, or mpirun with all of them, at a random time."""
        run = self.start(step, ranks, SLOW if self.random.random() < 0.6 else "")
        time.sleep(self.random.uniform(0.2, 1.1) * self.usual)
        whole = self.random.random() < 0.5
        targets = harness.marked_processes(run.mark) if whole else run.ranks()
        if not whole and targets:
            targets = [self.random.choice(targets)]
        if run.process.poll() is not None:
            targets = []
        for pid in targets:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        result = run.wait()
        if self.is_done(result, step):
            self.missed["random time"] += 1
            return False
        self.note_kill("random time", "whole job" if whole else "one rank", ranks)
        return True

    def note_kill(self, name: str, role: str, ranks: int) -> None:
        self.counts["kills"] += 1
        self.by_failpoint[name] += 1
        self.by_role[role] += 1
        self.by_ranks[ranks] += 1

    def ranks(self) -> int:
        return self.random.choices([1, 2, 3, 4], weights=[5, 3, 2, 1])[0]

    def one_kill(self, step: int, kill: Kill, ranks: int) -> bool:
        done = self.kill_at(step, ranks, kill) if kill.name else self.kill_sometime(step, ranks)
        self.look(f"{self.steps[step]} on {ranks} after a kill at {kill.name or 'a random time'}")
        return done

    def step_with_kills(self, step: int, kills: list[Kill], fixed_ranks: int = 0) -> None:
        before = self.counts["kills"]
        done = False
        for kill in kills:
            done = not self.one_kill(step, kill, fixed_ranks or self.ranks())
            if done:
                break
        depth = self.counts["kills"] - before
        self.counts["chains"] += depth >= 2
        self.counts["deepest_chain"] = max(self.counts["deepest_chain"], depth)
        if not done:
            self.finish(step)
        self.check_step(step)

    def finish(self, step: int) -> None:
        started = time.monotonic()
        result = harness.Run(self.arguments(step), self.ranks()).wait()
        self.usual = 0.7 * self.usual + 0.3 * (time.monotonic() - started)
        if not self.is_done(result, step):
            self.fail(f"{self.steps[step]} ended with {result.code}: {result.err}")

    def check_step(self, step: int) -> None:
        """After a completed command: sound by the program's word and by ours, and as an unbroken run left it."""
        self.counts["completed"] += 1
        checked = faults.verify(self.memory)
        if checked.code != 0:
            self.fail(f"verify after {self.steps[step]} ended with {checked.code}: {checked.out}{checked.err}")
        try:
            memory_reader.check_complete(self.memory)
        except memory_reader.Damaged as damage:
            self.fail(f"after {self.steps[step]}: {damage}")
        self.look(f"after {self.steps[step]}")
        now = snapshot(self.memory)
        same = now == self.expected[step] and (self.steps[step] != "ask" or self.found() == self.expected_found[step])
        self.counts["identical"] += same
        if not same:
            other = sorted(name for name in {*now, *self.expected[step]} if now.get(name) != self.expected[step].get(name))
            self.fail(f"after {self.steps[step]} other bytes than an unbroken run's in {other or 'found.safetensors'}")

    def clear(self) -> None:
        shutil.rmtree(self.memory, ignore_errors=True)
        self.acknowledged.unlink(missing_ok=True)
        (self.folder / "found.safetensors").unlink(missing_ok=True)

    def draw(self, command: str) -> Kill:
        """A failpoint where nothing was killed yet, or not in this command; else any."""
        if self.random.random() < 0.15:
            return Kill("")
        here = [(name, *places[command]) for name, places in kill_plan.CODES.items() if command in places]
        fresh = ([entry for entry in here if entry[0] not in self.by_failpoint] or
                 [entry for entry in here if (entry[0], command) not in self.tried])
        # Those that lie in few commands first: the others have more chances.
        rarest = min((len(kill_plan.CODES[entry[0]]) for entry in fresh), default=0)
        name, role, most = self.random.choice([e for e in fresh if len(kill_plan.CODES[e[0]]) == rarest] or here)
        self.tried.add((name, command))
        return Kill(name, self.random.randint(1, most) if name in self.by_failpoint else 1, role)

    def chain(self, command: str) -> list[Kill]:
        depth = self.random.choices(range(1, MAX_DEPTH + 1), weights=[1, 2, 3, 3, 3])[0]
        kills = [self.draw(command) for _ in range(depth)]
        # A folder is made once: kills there come before all others.
        return sorted(kills, key=lambda kill: kill_plan.ONLY_ONCE.get(kill.name, len(kill_plan.ONLY_ONCE)))

    def pairs(self) -> None:
        """What only a kill after a kill meets: an intermediate file, a tail, a log to be cleared away."""
        for number, (command, first, second) in enumerate(kill_plan.PAIRS):
            self.clear()
            target = self.steps.index(command)
            if target > 0:
                shutil.copytree(self.folder / f"unbroken{target - 1}", self.memory)
            self.step_with_kills(target, [Kill(first), Kill(second)], fixed_ranks=1)
            self.counts["pairs"] = number + 1

    def stories(self) -> None:
        """The commands one after another, each killed up to MAX_DEPTH times, until enough kills were made."""
        while not self.enough():
            self.clear()
            self.counts["stories"] += 1
            for step, command in enumerate(self.steps):
                if not self.enough():
                    self.step_with_kills(step, self.chain(command))
            self.counts["acknowledged"] += len(self.acknowledged_blocks())

    def enough(self) -> bool:
        all_killed = not set(kill_plan.CODES) - set(self.by_failpoint)
        return bool(self.failures) or self.counts["stories"] > self.wanted or (all_killed and self.counts["kills"] >= self.wanted)

    def result(self) -> dict:
        counts = {name: self.counts[name] for name in ("kills", "chains", "deepest_chain", "stories", "completed", "identical",
                                                       "acknowledged", "lost", "duplicated")}
        return {**counts, "by_failpoint": dict(sorted(self.by_failpoint.items())), "by_role": dict(self.by_role),
                "by_ranks": {str(ranks): count for ranks, count in sorted(self.by_ranks.items())},
                "not_reached": dict(self.missed), "failures": len(self.failures)}


def check_plan_is_whole() -> None:
    listed = harness.Run(["info", "--failpoints", "--json"]).wait()
    names = {entry["name"] for entry in harness.json.loads(listed.out)["failpoints"]}
    if names != kill_plan.all_planned():
        raise SystemExit(f"kill_plan.py and the program differ in {sorted(names ^ kill_plan.all_planned())}")


def main() -> None:
    faults.configure()
    check_plan_is_whole()
    seed = int(os.environ.get("LARIMAR_FAULT_SEED", "1"))
    with tempfile.TemporaryDirectory(prefix="larimar-kills-") as folder:
        driver = Driver(pathlib.Path(folder), faults.rounds(60, 300), seed)
        started = time.monotonic()
        driver.unbroken()
        driver.pairs()
        driver.stories()
        unkilled = sorted(set(kill_plan.CODES) - set(driver.by_failpoint))
        if unkilled and not driver.failures:
            driver.fail(f"no kill happened at {unkilled}")
        faults.add_counts("kills", {**driver.result(), "seed": seed, "seconds": round(time.monotonic() - started, 1)})
    if driver.failures:
        raise SystemExit(f"larimar faults FAILED: {len(driver.failures)} failures, seed {seed}")
    print("larimar faults PASSED", flush=True)


if __name__ == "__main__":
    main()

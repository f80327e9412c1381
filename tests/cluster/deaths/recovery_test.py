#!/usr/bin/env python3
"""With ULFM: more than one death, deaths during the recovery, kills at random times from outside, and what --on-loss makes of
them. All of it ends by itself, with the right answers or an honest account of what is missing."""
import collections
import json
import os
import random
import signal
import time

import deaths
from deaths import COORDINATOR, DECODER, SHARD, SHARD2, faults, harness
from harness import ProgramTest

SEED = int(os.environ.get("LARIMAR_FAULT_SEED", "1"))
# Several kills in one job of four; each entry is a whole LARIMAR_FAILPOINT.
TOGETHER = {
    "two at once": [("shard.read.propose", 1, SHARD), ("shard.read.propose", 1, SHARD2)],
    "coordinator and decoder": [("launch.answers.batch", 1, COORDINATOR), ("launch.answers.batch", 1, DECODER)],
    "one during the recovery from another": [("shard.read.propose", 2, SHARD), ("launch.loss.noticed", 1, SHARD2)],
    "the next coordinator during the recovery": [("coordinator.read.choose", 1, COORDINATOR), ("launch.loss.survived", 1, SHARD)],
    "while others start again": [("decoder.decode", 1, DECODER), ("shard.memory.loaded", 2, SHARD)],
    "three one after the other": [("coordinator.read.choose", 1, COORDINATOR), ("launch.loss.survived", 1, SHARD),
                                  ("launch.models.loaded", 2, DECODER)],
    "three in three rounds": [("shard.read.hand_over", 1, SHARD), ("shard.read.propose", 2, SHARD2), ("launch.answers.batch", 1, DECODER)],
    "all shards": [("shard.read.propose", 2, SHARD), ("shard.read.propose", 3, SHARD2)],
    "all but a shard": [("launch.answers.batch", 2, COORDINATOR), ("shard.read.propose", 2, SHARD), ("decoder.decode", 2, DECODER)],
    "all but the coordinator": [("shard.read.propose", 1, SHARD), ("shard.read.propose", 2, SHARD2), ("launch.answers.batch", 1, DECODER)],
}
counts = collections.Counter()
seconds = collections.defaultdict(list)


def setUpModule():
    global world
    deaths.use_ulfm()
    world = deaths.make_world()


def tearDownModule():
    deaths.remove(world)
    faults.add_counts("deaths_recovery", {
        **dict(sorted(counts.items())), "seed": SEED,
        **{f"{name}_seconds": {"median": sorted(values)[len(values) // 2], "most": max(values), "of": len(values)}
           for name, values in seconds.items() if values}})


def failpoints(entries: list) -> str:
    return ",".join(f"{name}:{nth}:kill:{rank}" for name, nth, rank in entries)


class Recovery(ProgramTest):
    def finish(self, run: harness.Run, code: int = 0) -> harness.Result:
        try:
            result = run.wait(deaths.DEADLINE)
        except AssertionError:
            counts["hangs"] += 1
            raise
        self.assertEqual(result.code, code, result.err)
        return result

    def test_several_deaths(self):
        for name, entries in TOGETHER.items():
            with self.subTest(name):
                out = self.folder / name.replace(" ", "-")
                run = deaths.start(world.ask("--out", out), 4, failpoints(entries))
                watch = deaths.DeathWatch(run, 4)
                self.finish(run)
                watch.seconds_to_the_end()
                self.assertLessEqual({rank for _, _, rank in entries}, set(watch.died))
                self.assertEqual(deaths.answers_in(out), world.answers)
                report = deaths.report_in(out)
                self.assertEqual(report["status"], "ok")
                self.assertEqual({fault["rank"] for fault in report["faults"]}, {rank for _, _, rank in entries})
                counts["deaths_in_groups"] += len(entries)
                counts["groups"] += 1

    def test_random_kills(self):
        """SIGKILL from outside, wherever the job is by then; sometimes to two ranks."""
        source = random.Random(SEED)
        print(f"seed {SEED}", flush=True)
        for number in range(200 if deaths.FULL else 10):
            with self.subTest(number=number):
                out = self.folder / f"random-{number}"
                victims = source.sample(range(4), 2 if number % 4 == 3 else 1)
                # Each batch waits a little, so that most of the time there is something to break.
                run = deaths.start(world.ask("--out", out), 4, "launch.answers.batch:1+:delay=0.1")
                processes = deaths.wait_for_ranks(run, 4)
                deaths.wait_until_begun(run, out)
                time.sleep(source.uniform(0, 1.5))
                killed = {}
                for victim in victims:
                    try:
                        killed[victim] = deaths.signal_rank(processes[victim])
                    except ProcessLookupError:  # the job was faster
                        pass
                self.finish(run)
                self.assertEqual(deaths.answers_in(out), world.answers)
                report = deaths.report_in(out)
                self.assertEqual(report["status"], "ok")
                self.assertLessEqual({fault["rank"] for fault in report["faults"]}, set(killed))
                for fault in report["faults"]:
                    seconds["detect"].append(round(deaths.seconds_of(fault["noticed_at"]) - killed[fault["rank"]], 3))
                    if fault["first_result_seconds"] is not None:
                        seconds["first_answer_after_death"].append(
                            round(deaths.seconds_of(fault["noticed_at"]) + fault["first_result_seconds"] - killed[fault["rank"]], 3))
                counts["random_kills"] += len(killed)
                counts["random_kills_in_run_json"] += len(report["faults"])
        self.assertGreater(counts["random_kills_in_run_json"], 0)

    def test_answers_without_the_dead_ranks_segments(self):
        out = self.folder / "degraded"
        # In the third read: by then the first batch is answered; the second, which was being decoded, is read again.
        run = deaths.start(world.ask("--out", out, "--on-loss", "degrade"), 4, f"shard.read.propose:3:kill:{SHARD}")
        result = self.finish(run, 3)
        report = deaths.report_in(out)
        self.assertEqual((report["status"], report["exit_code"]), ("degraded", 3))
        # Rank 1 had every other virtual shard, and so every other document.
        self.assertEqual(report["missing"]["virtual_shards"], list(range(0, 256, 2)))
        lost = [str(path) for path in sorted(world.context.iterdir())][::2]
        self.assertEqual(sorted(report["missing"]["documents"]), lost)
        self.assertEqual((report["missing"]["blocks"], report["missing"]["of_blocks"]), (6, 12))
        lines = [json.loads(line) for line in (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
        self.assertEqual([line.get("missing_virtual_shards", 0) for line in lines], [0, 0, *[128] * 6], "from the death on")
        for line, whole in list(zip(lines, world.answers))[2:]:
            self.assertTrue(all(citation["document"] not in lost for citation in line["citations"]))
            if whole["citations"][0]["document"] not in lost:
                self.assertEqual(line["answer"], whole["answer"])
        self.assertIn("going on with 3 ranks", result.err)
        counts["degraded"] += 1

    def test_run_without_the_dead_ranks_segments(self):
        out = self.folder / "degraded"
        run = deaths.start(world.run("--out", out, "--on-loss", "degrade"), 4, f"shard.read.propose:1:kill:{SHARD2}")
        self.finish(run, 3)
        self.assertEqual(deaths.report_in(out)["missing"]["virtual_shards"], list(range(1, 256, 2)))
        counts["degraded"] += 1

    def test_told_to_end(self):
        out = self.folder / "ended"
        run = deaths.start(world.ask("--out", out, "--on-loss", "end"), 4, f"shard.read.propose:2:kill:{SHARD}")
        result = self.finish(run, 70)
        errors = faults.errors_of(result)
        self.assertEqual(len(errors), 1, result.err)
        for word in ("rank 1 on", "(shard)", "phase 'read'", "Start it again: mpirun -n 4", "larimar ask --memory"):
            self.assertIn(word, errors[0])
        self.assertNotEqual(deaths.report_in(out)["status"], "ok")
        counts["ended"] += 1

    def test_forget_ends(self):
        """It cannot know what it has already done."""
        memory = self.folder / "memory"
        deaths.shutil.copytree(world.memory, memory)
        forget = ["forget", "--memory", memory, "--document", sorted(world.context.iterdir())[0]]
        result = self.finish(deaths.start(forget, 3, "shard.forget.appended:1:kill:1"), 70)
        self.assertIn("Start it again", result.err)
        self.assertEqual(faults.verify(memory).code, 0)
        deaths.done(deaths.start(forget, 1))
        counts["ended"] += 1

    def test_only_encodings_of_the_dead_are_made_again(self):
        """A run keeps its memory in RAM: blocks of the living come out of their caches."""
        out = self.folder / "out"
        run = deaths.start(world.run("--out", out), 4, f"shard.read.propose:1:kill:{SHARD}")
        result = self.finish(run)
        self.assertEqual(deaths.answers_in(out), world.answers)
        report = deaths.report_in(out)
        self.assertEqual((report["ingest"]["blocks"], report["ingest"]["cached_blocks"]), (12, 6), result.err)

    def test_a_signal_that_a_fault_of_the_program_gives(self):
        """SIGSEGV is a death like another, and says where it was."""
        out = self.folder / "out"
        run = deaths.start(world.ask("--out", out), 4, f"shard.read.propose:2:delay=2:{SHARD}")
        processes = deaths.wait_for_ranks(run, 4)
        deaths.wait_until_begun(run, out)
        deaths.signal_rank(processes[SHARD], signal.SIGSEGV)
        result = self.finish(run)
        self.assertIn("ended by SIGSEGV in phase", result.err)
        self.assertEqual(deaths.answers_in(out), world.answers)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""One rank alone throws, at each of these places: the whole job ends soon with one sentence and the error's own exit code.

With and without ULFM, where the ranks have no MPI_Abort that would end the others."""
import collections

import deaths
from deaths import faults, harness
from harness import ProgramTest

# Failpoint: ranks of a job of four that pass it.
ALL, SHARDS, ROOT, DECODER = (0, 1, 2, 3), (1, 2), (0,), (3,)
ASK = {"launch.command.begin": ALL, "launch.manifest.share": ALL, "shard.memory.load": SHARDS, "shard.memory.loaded": SHARDS,
       "launch.models.loaded": ALL, "shard.read.propose": SHARDS, "coordinator.read.choose": ROOT, "shard.read.hand_over": SHARDS,
       "coordinator.read.assemble": ROOT, "decoder.decode": DECODER, "decoder.decoded": DECODER, "launch.answers.batch": ALL,
       "coordinator.answers.write": ROOT, "coordinator.report.write": ROOT, "launch.command.done": ALL}
INGEST = {"launch.command.begin": ALL, "launch.models.loaded": ALL, "store.folder.make": ROOT, "store.folder.created": ROOT,
          "store.lock.open": ROOT, "store.lock.taken": ROOT, "store.manifest.commit": ROOT, "store.atomic.rename": ROOT,
          "launch.manifest.share": ALL, "launch.ingest.begin": ALL, "shard.block.encoded": (1, 2, 3), "shard.block.appended": (1, 2, 3),
          "store.log.create": (1, 2, 3), "store.log.append": (1, 2, 3), "shard.commit.begin": (1, 2, 3), "store.log.sync": (1, 2, 3),
          "launch.ingest.encoded": ALL, "launch.states.gathered": ALL}
counts = collections.Counter()
slowest = 0.0


def setUpModule():
    global world
    world = deaths.make_world()


def tearDownModule():
    deaths.remove(world)
    faults.add_counts("errors_thrown", {**dict(sorted(counts.items())), "sites": len(ASK) + len(INGEST), "slowest_start_to_end_seconds": round(slowest, 2)})


class Thrown(ProgramTest):
    def throw(self, arguments: list, name: str, rank: int):
        global slowest
        run = deaths.start(arguments, 4, f"{name}:1:throw:{rank}")
        try:
            result = run.wait(deaths.DEADLINE)
        except AssertionError:
            counts["hangs"] += 1
            raise
        self.assertEqual(result.code, 70, result.err)
        errors = faults.errors_of(result)
        self.assertEqual(len(errors), 1, result.err)
        self.assertIn(f"failpoint {name} threw", errors[0])
        self.assertIn(f"rank {rank} ", errors[0])
        slowest = max(slowest, result.seconds)
        counts["thrown"] += 1
        counts["with_ulfm" if harness.settings.mpirun_options else "without_ulfm"] += 1

    def everywhere(self):
        for plan, start in ((ASK, lambda: world.ask("--out", self.folder / "out")), (INGEST, lambda: world.ingest(self.folder / "memory"))):
            for number, (name, ranks) in enumerate(plan.items()):
                # Each place on one rank, another one each time; in the long form on all.
                for rank in ranks if deaths.FULL else ranks[number % len(ranks):][:1]:
                    with self.subTest(failpoint=name, rank=rank, command=start()[0]):
                        deaths.shutil.rmtree(self.folder / "memory", ignore_errors=True)
                        self.throw(start(), name, rank)
        self.assertEqual(faults.snapshot(world.memory), world.snapshot)

    def test_without_ulfm(self):
        self.everywhere()

    def test_with_ulfm(self):
        deaths.use_ulfm_in(self)
        if deaths.FULL:
            return self.everywhere()
        for name, rank in (("launch.command.begin", 2), ("shard.memory.load", 1), ("shard.read.propose", 2), ("coordinator.read.choose", 0),
                           ("decoder.decoded", 3), ("launch.answers.batch", 0), ("coordinator.answers.write", 0), ("launch.command.done", 1)):
            with self.subTest(failpoint=name, rank=rank):
                self.throw(world.ask("--out", self.folder / "out"), name, rank)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""With ULFM a rank dies in each role and phase of each command: the job goes on by itself to the answers of an unbroken run, its
memory is the same by every byte, run.json tells of the death, and no process is left."""
import collections

import deaths
from deaths import COORDINATOR, DECODER, SHARD, SHARD2, faults, harness
from harness import ProgramTest

ROLES = {COORDINATOR: "coordinator", SHARD: "shard", SHARD2: "shard", DECODER: "decoder"}
# (failpoint, which time, rank), a job of four. Behind "end" run.json has been written before the rank dies.
ASK = {
    "load": [("launch.command.begin", 1, COORDINATOR), ("launch.command.begin", 1, SHARD), ("launch.command.begin", 1, DECODER),
             ("launch.models.loaded", 1, COORDINATOR), ("launch.models.loaded", 1, SHARD2), ("launch.models.loaded", 1, DECODER),
             ("shard.memory.load", 1, SHARD), ("shard.memory.loaded", 1, SHARD2), ("launch.manifest.share", 1, COORDINATOR)],
    "read": [("shard.read.propose", 1, SHARD), ("shard.read.propose", 2, SHARD2), ("shard.read.hand_over", 3, SHARD),
             ("coordinator.read.choose", 1, COORDINATOR), ("coordinator.read.choose", 3, COORDINATOR),
             ("coordinator.read.assemble", 2, COORDINATOR)],
    "decode": [("decoder.decode", 1, DECODER), ("decoder.decode", 3, DECODER), ("decoder.decoded", 2, DECODER),
               ("launch.answers.batch", 1, SHARD), ("launch.answers.batch", 2, COORDINATOR), ("launch.answers.batch", 4, DECODER)],
    "end": [("coordinator.answers.write", 1, COORDINATOR), ("coordinator.report.write", 1, COORDINATOR),
            ("launch.command.done", 1, COORDINATOR), ("launch.command.done", 1, SHARD), ("launch.command.done", 1, DECODER)],
    "agreed": [("launch.job.agreed", 1, SHARD), ("launch.job.agreed", 1, COORDINATOR)],
}
RUN = {
    "ingest": [("launch.models.loaded", 1, SHARD)],
    "read": [("shard.read.propose", 2, SHARD2), ("coordinator.read.assemble", 1, COORDINATOR)],
    "decode": [("decoder.decode", 2, DECODER), ("launch.answers.batch", 3, COORDINATOR)],
    "end": [("launch.command.done", 1, SHARD)],
}
# A coordinator and two shards.
INGEST = {
    "load": [("launch.command.begin", 1, 0), ("launch.models.loaded", 1, 1), ("store.folder.created", 1, 0), ("store.lock.taken", 1, 0)],
    "ingest": [("launch.ingest.begin", 1, 0), ("launch.ingest.begin", 1, 2), ("shard.block.encoded", 2, 1), ("shard.block.appended", 1, 2),
               ("shard.block.appended", 4, 1), ("store.log.append", 2, 2)],
    "write": [("shard.commit.begin", 1, 1), ("shard.commit.end", 1, 2), ("launch.ingest.encoded", 1, 0), ("launch.ingest.encoded", 1, 1),
              ("launch.states.gathered", 1, 0), ("store.manifest.commit", 2, 0)],
    "end": [("store.manifest.committed", 2, 0), ("launch.manifest.share", 2, 1), ("launch.command.done", 1, 0), ("launch.command.done", 1, 2)],
}
counts = collections.Counter()
seconds = collections.defaultdict(list)


def setUpModule():
    global world
    deaths.use_ulfm()
    world = deaths.make_world()


def tearDownModule():
    deaths.remove(world)
    by_role = {role: counts[role] for role in sorted(set(ROLES.values()))}
    by_phase = {key: value for key, value in sorted(counts.items()) if key.startswith(("ask ", "run ", "ingest ", "codes ", "eval "))}
    faults.add_counts("deaths_survived", {
        "deaths": sum(by_role.values()), "by_role": by_role, "by_phase": by_phase, "hangs": counts["hangs"],
        **{f"{name}_seconds": {"median": sorted(values)[len(values) // 2], "most": max(values), "of": len(values)}
           for name, values in seconds.items() if values}})


class Survived(ProgramTest):
    def die(self, command: str, arguments: list, ranks: int, phase: str, failpoint: tuple, out=None):
        """One death; returns the run's result."""
        name, nth, rank = failpoint
        run = deaths.start(arguments, ranks, f"{name}:{nth}:kill:{rank}")
        watch = deaths.DeathWatch(run, ranks)
        try:
            result = run.wait(deaths.DEADLINE)
        except AssertionError:
            counts["hangs"] += 1
            raise
        self.assertEqual(result.code, 0, result.err)
        watch.seconds_to_the_end()
        self.assertIn(rank, watch.died, f"{name} was not passed a {nth}. time on rank {rank}")
        died = watch.died[rank]
        role = ROLES[rank] if ranks == 4 else ROLES[min(rank, SHARD)]
        counts[role] += 1
        counts[f"{command} {phase}"] += 1
        if out is not None:
            report = deaths.report_in(out)
            self.assertEqual((report["status"], report["exit_code"], report["fault_tolerance"]), ("ok", 0, "ulfm"))
            for fault in report["faults"]:
                self.assertEqual(fault["rank"], rank)
                # The watch looks now and then, so it may notice after the ranks did.
                seconds["detect"].append(round(max(0.0, deaths.seconds_of(fault["noticed_at"]) - died), 3))
                seconds["shrink"].append(round(fault["shrink_seconds"], 3))
                if fault["first_result_seconds"] is not None:
                    seconds[f"first_result_{command}"].append(round(fault["first_result_seconds"], 3))
            if phase not in ("end", "load", "agreed"):
                self.assertEqual([fault["rank"] for fault in report["faults"]], [rank])
                self.assertIn(role, report["faults"][0]["roles"])
                self.assertIn(f"rank {rank} on", result.err)
        return result

    def answer(self, command: str, arguments: list, plan: dict):
        for phase, entries in plan.items():
            for failpoint in deaths.some(entries):
                with self.subTest(command=command, failpoint=failpoint):
                    out = self.folder / f"{command}-{failpoint[0]}-{failpoint[1]}-{failpoint[2]}"
                    self.die(command, [*arguments, "--out", out], 4, phase, failpoint, out)
                    self.assertEqual(deaths.answers_in(out), world.answers)
                    self.assertEqual(faults.snapshot(world.memory), world.snapshot)

    def test_asking(self):
        self.answer("ask", world.ask(), ASK)

    def test_running(self):
        self.answer("run", world.run(), RUN)

    def test_ingesting(self):
        for phase, entries in INGEST.items():
            for failpoint in deaths.some(entries):
                with self.subTest(failpoint=failpoint):
                    memory = self.folder / f"{failpoint[0]}-{failpoint[1]}-{failpoint[2]}"
                    out = self.folder / f"{memory.name}-out"
                    self.die("ingest", world.ingest(memory, "--out", out), 3, phase, failpoint, out)
                    self.assertEqual(faults.snapshot(memory), world.snapshot)
                    self.assertEqual(faults.verify(memory).code, 0)

    def test_codes(self):
        """Codes and keys without networks: many small blocks, a learnt key memory."""
        codes = faults.write_codes(self.folder / "codes.safetensors", list(range(600)), 1)
        keys = faults.write_keys(self.folder / "keys.safetensors", 5, 2)
        for extra in ([], ["--slots", "8"]):
            ingest = ["ingest", "--codes", codes, *extra, "--memory"]
            whole = self.folder / f"whole{len(extra)}"
            deaths.done(deaths.start([*ingest, whole], 0))
            plan = [("shard.block.appended", 1, 1), ("launch.ingest.encoded", 1, 0), ("launch.command.done", 1, 2)]
            if extra:
                plan = [("launch.key_memory.write", 1, 0), ("launch.key_memory.write", 1, 1)]
            for failpoint in plan:
                with self.subTest(failpoint=failpoint):
                    memory = self.folder / f"codes-{len(extra)}-{failpoint[0]}-{failpoint[2]}"
                    self.die("codes", [*ingest, memory], 3, "ingest", failpoint)
                    self.assertEqual(faults.snapshot(memory), faults.snapshot(whole))
        found = self.folder / "found.safetensors"
        ask = ["ask", "--memory", self.folder / "whole0", "--keys", keys, "--batch", "2", "--out"]
        deaths.done(deaths.start([*ask, found], 0))
        for failpoint in (("shard.read.propose", 2, 1), ("coordinator.read.choose", 2, 0)):
            with self.subTest(failpoint=failpoint):
                again = self.folder / f"again-{failpoint[2]}.safetensors"
                self.die("codes", [*ask, again], 3, "read", failpoint)
                one, other = faults.read_safetensors(found), faults.read_safetensors(again)
                for name in ("z", "id", "score"):
                    self.assertEqual(one[name], other[name], name)

    def test_measuring(self):
        """An evaluation goes on by its rows."""
        rows = {}
        for name, failpoint in (("whole", None), ("shard", ("shard.read.propose", 2, SHARD)), ("coordinator", ("launch.answers.batch", 2, COORDINATOR))):
            with self.subTest(failpoint=failpoint):
                out = self.folder / f"eval-{name}"
                arguments = ["eval", "passkey", "--haystack", world.context, "--lengths", "100,200", "--depths", "0.2,0.8", "--keys", "model",
                             "--out", out]
                if failpoint is None:
                    deaths.done(deaths.start(arguments, 0))
                else:
                    self.die("eval", arguments, 4, "read", failpoint)
                lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
                rows[name] = sorted((row["id"], row["answer"], row["score"]) if "id" in row else tuple(sorted(row)) for row in
                                    map(deaths.json.loads, lines))
        self.assertEqual(len(rows), 3)
        for name in ("shard", "coordinator"):
            self.assertEqual(rows[name], rows["whole"])


if __name__ == "__main__":
    harness.main()

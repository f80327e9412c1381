#!/usr/bin/env python3
"""Simulated ranks of a cluster against one process: the same answers, and as many messages as the cost model says.

16, 64 and 256 ranks; with LARIMAR_FULL_TESTS=1 also 1,024.
"""
import os
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "e2e"), str(HERE.parents[2] / "cluster" / "simulation")]
import harness  # noqa: E402  the paths come first
import run  # noqa: E402
import tensors  # noqa: E402

SIM = pathlib.Path(os.environ.get("LARIMAR_SIM", HERE.parents[2] / "build" / "release" / "larimar_sim.so"))
RANKS = (16, 64, 256) + ((1024,) if os.environ.get("LARIMAR_FULL_TESTS") == "1" else ())
ROWS, QUERIES = 16384, 192  # every one of the 256 virtual shards gets a block of 64 rows
SAME = ("z", "score", "id")  # on any number of ranks; shard and slot tell where a code lies


class Simulated(harness.ProgramTest):
    def setUp(self):
        super().setUp()
        run.make(SIM, self.folder, ROWS, QUERIES)

    def one_process(self) -> dict[str, tensors.Tensor]:
        memory, found = self.folder / "memory", self.folder / "found.safetensors"
        for arguments in (("ingest", "--codes", self.folder / "codes.safetensors", "--memory", memory),
                          ("ask", "--memory", memory, "--keys", self.folder / "queries.safetensors", "--out", found)):
            result = self.run_program(*arguments)
            self.assertEqual(result.code, 0, result.err)
        return tensors.read(found)

    def test_every_number_of_ranks_answers_like_one_process_with_the_messages_that_were_predicted(self):
        expected = self.one_process()
        self.assertGreater(len(set(expected["id"].values)), QUERIES // 2, "the answers must differ for this to show anything")
        reports = {}
        for ranks in RANKS:
            # Raises unless, for every rank, step and route, counted is predicted and both routes read the same.
            reports[ranks] = report = run.simulate(SIM, self.folder, ranks)
            found = tensors.read(self.folder / f"found-{ranks}.safetensors")
            for name in SAME:
                self.assertEqual(found[name].values.tobytes(), expected[name].values.tobytes(), f"{name} on {ranks} ranks")
            shutil.rmtree(self.folder / f"memory-{ranks}")
            levels = (ranks - 1).bit_length()
            self.assertEqual(report["merged"]["collectives"], 4)
            self.assertLessEqual(report["merged_single"]["messages_received"]["root"], levels + 1)
            self.assertEqual(report["gathered_single"]["messages_received"]["root"], ranks - 1 + 1)
            for part in ("ingest", "merged", "gathered", "merged_single", "gathered_single"):
                for simulated, predicted in zip(report[part]["seconds"], report[part]["predicted_seconds"]):
                    self.assertLess(abs(simulated - predicted), 0.25 * simulated, f"{part} on {ranks} ranks")
        # A tree grows by a level where a gather doubles.
        for part in ("merged", "merged_single"):
            self.assertLess(run.median(reports[256][part]["seconds"]), 4 * run.median(reports[16][part]["seconds"]), part)
            gathered = part.replace("merged", "gathered")
            self.assertLess(run.median(reports[256][part]["seconds"]), run.median(reports[256][gathered]["seconds"]), part)

    def test_the_simulator_saw_the_messages_that_the_transport_counted(self):
        trace, counted = self.folder / "trace.txt", self.folder / "traffic.txt"
        result = run.smpirun(SIM, 16, run.run_arguments(self.folder, 16) + ["--traffic", counted],
                             extra=("-trace-ti", "-trace-file", str(trace)))
        self.assertEqual(result.returncode, 0, result.stderr)
        seen = {}
        for name in trace.read_text(encoding="utf-8").split():
            for line in pathlib.Path(name).read_text(encoding="utf-8").splitlines():
                fields = line.split()
                if fields[1] == "isend":  # rank isend receiver tag bytes type
                    messages, size = seen.get(int(fields[0]), (0, 0))
                    seen[int(fields[0])] = (messages + 1, size + int(fields[4]))
        told = {int(rank): (int(messages), int(size)) for rank, messages, size in
                (line.split() for line in counted.read_text(encoding="utf-8").splitlines())}
        self.assertEqual(sorted(told), list(range(16)))
        self.assertEqual(seen, told)

    def test_ranks_that_are_out_of_step_are_named_as_a_deadlock(self):
        result = run.smpirun(SIM, 8, ["out-of-step"], extra=("--log=ker_engine.thres:info",))
        self.assertIn("Deadlock detected", result.stderr)
        waiting = {int(rank) for rank in re.findall(r"Actor \d+ \((\d+)@", result.stderr)}
        self.assertEqual(waiting, {0, 2}, result.stderr)


if __name__ == "__main__":
    if not SIM.is_file() or shutil.which("smpirun") is None:
        print(f"LARIMAR SKIPPED: {SIM} or smpirun is missing; both need the package libsimgrid-dev", flush=True)
        sys.exit(0)
    harness.main()

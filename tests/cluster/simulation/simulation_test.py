#!/usr/bin/env python3
"""Simulated ranks of a cluster against one process: the same answers, and as many messages as the cost model says.

16, 64 and 256 ranks; with LARIMAR_FULL_TESTS=1 also 1,024. Called with one argument more than the others: larimar_sim.so.
"""
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "e2e"), str(HERE.parents[2] / "cluster" / "simulation")]
import os  # noqa: E402  the paths come first

import harness  # noqa: E402
import run  # noqa: E402
import tensors  # noqa: E402

SIM = pathlib.Path(sys.argv.pop(4)) if len(sys.argv) > 4 else None
RANKS = (16, 64, 256) + ((1024,) if os.environ.get("LARIMAR_FULL_TESTS") == "1" else ())
ROWS, QUERIES = 16384, 192  # every one of the 256 virtual shards gets a block of 64 rows
SAME = ("z", "score", "id")  # on any number of ranks; shard and slot tell where a code lies


class Simulated(harness.ProgramTest):
    @classmethod
    def setUpClass(cls):
        if SIM is None or not SIM.is_file() or shutil.which("smpirun") is None:
            harness.skip_loudly("no larimar_sim or smpirun; both need the package libsimgrid-dev")

    def one_process(self) -> dict[str, tensors.Tensor]:
        memory, found = self.folder / "memory", self.folder / "found.safetensors"
        for arguments in (("ingest", "--codes", self.folder / "codes.safetensors", "--memory", memory),
                          ("ask", "--memory", memory, "--keys", self.folder / "queries.safetensors", "--out", found)):
            self.assert_done(self.run_program(*arguments))
        return tensors.read(found)

    def test_any_number_of_ranks_answers_like_one_process_with_the_messages_that_were_predicted(self):
        run.make(SIM, self.folder, ROWS, QUERIES)
        expected = self.one_process()
        self.assertGreater(len(set(expected["id"].values)), QUERIES // 2, "the answers must differ for this to show anything")
        reports = {}
        for ranks in RANKS:
            reports[ranks] = report = run.simulate(SIM, self.folder, ranks)
            found = tensors.read(self.folder / f"found-{ranks}.safetensors")
            for name in SAME:
                self.assertEqual(found[name].values.tobytes(), expected[name].values.tobytes(), f"{name} on {ranks} ranks")
            shutil.rmtree(self.folder / f"memory-{ranks}")
            self.assertEqual(run.differences(report), [], f"{ranks} ranks")
            for part in run.PARTS:
                simulated, predicted = run.times(report, part)
                self.assertLess(abs(simulated - predicted), 0.2 * simulated, f"{part} on {ranks} ranks")
            # Messages to rank 0 of a read: of each level of the tree, or of each shard; and the code of the one winner.
            first = {step["part"]: step["counted"]["messages_received"][0] for step in report["steps"]}
            self.assertEqual(first["merged_single"], (ranks - 1).bit_length() + 1)
            self.assertEqual(first["gathered_single"], ranks - 1 + 1)
        # A tree grows by a level where a gather doubles.
        for merged, gathered in (("merged", "gathered"), ("merged_single", "gathered_single")):
            times = {(ranks, part): run.times(reports[ranks], part)[0] for ranks in (16, 256) for part in (merged, gathered)}
            self.assertLess(times[256, merged], 3 * times[16, merged])
            self.assertGreater(times[256, gathered], 3 * times[16, gathered])
            self.assertLess(times[256, merged], times[256, gathered])


if __name__ == "__main__":
    harness.main()

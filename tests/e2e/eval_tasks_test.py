#!/usr/bin/env python3
"""larimar eval as a user starts it: presets, run files, parts, reconstruction, and what it refuses."""
import json

import harness
from harness import ProgramTest

RUN_FILE = """
name: small
haystack: generate:1
sweep: {context_lengths: [600], depth_percents: [0, 50], seeds: 1}
tasks:
  - {type: single}
  - {type: multi, keys: 2, distractors: 1}
"""


class Evaluation(ProgramTest):
    def larimar(self, *arguments, ranks=0, **options):
        return self.run_program("eval", *arguments, ranks=ranks, **options)

    def rows(self, folder, name="results.jsonl"):
        return [json.loads(line) for line in (folder / name).read_text().splitlines()]

    def run_file(self, text=RUN_FILE):
        return self.write("run.yaml", text)

    def measure(self, *arguments, **options):
        return self.larimar(*arguments, "--model", harness.settings.model, "--keys", "model", "--quiet", **options)


class Runs(Evaluation):
    def test_a_run_file_in_parts_is_merged_and_a_row_rebuilds_its_context(self):
        out = self.out
        for part in ("1/2", "2/2"):
            self.assertEqual(self.measure("run", self.run_file(), "--out", out, "--part", part).code, 0)
        self.assertFalse((out / "results.jsonl").exists())
        self.assertEqual(self.larimar("merge", out).code, 0)
        rows = self.rows(out)
        self.assertEqual(len(rows), 2 + 2 * 2)
        self.assertEqual({row["larimar"]["system"] for row in rows}, {"larimar"})
        for number, row in enumerate(rows, start=1):
            result = self.larimar("reconstruct", out, "--row", number)
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(len(result.out.encode()), row["larimar"]["bytes"])
            for placement in row["recipe"]["needle_placements"]:
                self.assertIn(placement["needle"], result.out)
        again = self.measure("run", self.run_file(), "--out", out)
        self.assertEqual(again.code, 0)
        self.assertEqual(self.rows(out), rows)

    def test_array_variables_name_the_part(self):
        out = self.out
        slurm = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "1"}
        self.assertEqual(self.measure("run", self.run_file(), "--out", out, environment=slurm).code, 0)
        self.assertEqual(len(self.rows(out, "results.part-2-of-2.jsonl")), 3)

    def test_two_ranks_give_the_rows_of_one(self):
        answers = []
        for ranks in (0, 2):
            out = self.folder / f"out{ranks}"
            self.assertEqual(self.measure("run", self.run_file(), "--out", out, ranks=ranks).code, 0)
            answers.append([(row["response"], row["larimar"]["context_xxh3"]) for row in self.rows(out)])
        self.assertEqual(answers[0], answers[1])

    def test_a_plan_touches_nothing(self):
        out = self.out
        result = self.larimar("run", self.run_file(), "--out", out, "--dry-run", ranks=2)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("queries 6, contexts 4, longest 600 tokens", result.out)
        self.assertIn("estimated for 2 ranks", result.out)
        self.assertFalse(out.exists())

    def test_standard_input_is_a_haystack(self):
        text = "".join(f"The lamp of room {i} is lit by hand. " for i in range(60))
        result = self.measure("needle", "--haystack", "-", "--depths", "50", "--out", self.out, stdin=text.encode())
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(self.rows(self.out)[0]["task_type"], "san_francisco")


class Refusals(Evaluation):
    def refused(self, result, code, *parts):
        self.assertEqual(result.code, code, result.err)
        for part in parts:
            self.assertIn(part, result.err)

    def test_run_files_with_faults_are_named_by_line_and_column(self):
        self.refused(self.larimar("validate", self.run_file("task: {type: uuid\n")), 65, "line 2, column 1")
        self.refused(self.larimar("validate", self.run_file(RUN_FILE + "speed: 9\n")), 65, 'unknown field "speed"', "line 8")
        self.assertEqual(self.larimar("validate", self.run_file()).code, 0)

    def test_results_of_another_run_file_are_refused_before_any_work(self):
        out = self.out
        self.assertEqual(self.measure("run", self.run_file(), "--out", out, "--limit", "1").code, 0)
        before = (out / "results.jsonl").read_bytes()
        other = self.run_file(RUN_FILE.replace("keys: 2", "keys: 3"))
        self.refused(self.measure("run", other, "--out", out), 78, "another configuration", "run_file")
        self.assertEqual((out / "results.jsonl").read_bytes(), before)

    def test_lengths_depths_and_needles_that_cannot_be(self):
        small = self.write("small.txt", "A short text. It ends here.")
        out = ["--out", self.out]
        self.refused(self.measure("needle", "--haystack", small, "--lengths", "900", *out), 78, "--beyond repeat")
        self.refused(self.measure("needle", "--haystack", small, "--depths", "101", *out), 2, "outside 0 to 100")
        self.refused(self.measure("needle", "--haystack", small, *out), 78, "more than the whole context")
        self.refused(self.measure("needle", *out), 2, "no haystack")
        # What was refused binds nobody: the folder has no rows.
        self.assertEqual(self.measure("needle", "--haystack", "generate:1", "--lengths", "300", "--depths", "50", *out).code, 0)

    def test_damaged_data_is_named_by_line_and_column(self):
        data = self.write("passkey.jsonl", '{"id":1,"context":"C.","input":"Q?","answer":"x"}\n{"id":2,]\n')
        result = self.larimar("import", data, "--format", "infinitebench", "--out", self.folder / "set")
        self.refused(result, 65, "line 2, column 9")


if __name__ == "__main__":
    harness.main()

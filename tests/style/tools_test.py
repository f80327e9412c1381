#!/usr/bin/env python3
"""Tests of the small Python tools that scripts and tests lean on. Usage: tools_test.py REPOSITORY"""
import collections
import importlib.util
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOOLS = pathlib.Path(sys.argv.pop(1)).resolve() / "tools"


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name: str, text: str | bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return str(path)

    def run_tool(self, name: str, *arguments: str):
        return subprocess.run([sys.executable, str(TOOLS / name), *arguments], capture_output=True, text=True, encoding="utf-8")


class CountTests(ToolTest):
    def report(self, *cases: str) -> str:
        return self.write("report.xml", f"<testsuite>{''.join(cases)}</testsuite>")

    PASSED = '<testcase name="a" status="run"/>'
    FAILED = '<testcase name="b" status="fail"><failure message=""/></testcase>'
    SKIPPED = '<testcase name="c" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>'
    NOT_BUILT = '<testcase name="d" status="notrun"><skipped message="Unable to find executable"/></testcase>'
    DISABLED = '<testcase name="e" status="disabled"/>'

    def last_line(self, *cases: str):
        ran = self.run_tool("count_tests.py", self.report(*cases))
        return ran.returncode, ran.stdout.splitlines()[-1]

    def test_counts_each_verdict(self):
        every = (self.PASSED, self.PASSED, self.FAILED, self.SKIPPED, self.NOT_BUILT, self.DISABLED)
        self.assertEqual(self.last_line(*every), (1, "2 passed, 2 failed, 2 skipped"))

    def test_success_needs_a_passed_test(self):
        self.assertEqual(self.last_line(self.PASSED, self.SKIPPED), (0, "1 passed, 0 failed, 1 skipped"))
        self.assertEqual(self.last_line(self.SKIPPED), (1, "0 passed, 0 failed, 1 skipped"))
        self.assertEqual(self.last_line(), (1, "0 passed, 0 failed, 0 skipped"))

    def test_a_missing_report_is_a_failure(self):
        ran = self.run_tool("count_tests.py", self.report(self.PASSED), str(self.folder / "absent.xml"))
        self.assertEqual(ran.returncode, 1)
        self.assertIn("absent.xml cannot be read", ran.stdout)


class ShowAnswers(ToolTest):
    QUERY = {"id": "key", "prefix": "The pass key is", "expect": "4711"}
    ANSWER = {"id": "key", "answer": "4711.", "score": 0.987, "in_scope": True,
              "citations": [{"document": "out/book.txt", "line": 12, "excerpt": "The pass key is 4711."}]}

    def show(self, queries: list[dict], answers: list[dict]):
        lines = ["".join(json.dumps(record) + "\n" for record in records) for records in (queries, answers)]
        return self.run_tool("show_answers.py", "--width", "100", "--queries", self.write("q.jsonl", lines[0]),
                             "--answers", self.write("a.jsonl", lines[1]))

    def test_right_answer(self):
        ran = self.show([self.QUERY], [self.ANSWER])
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"The pass key is  4711\.  +0\.99 +yes +book\.txt:12")
        self.assertIn("recall by prefix: 1 of 1 answers right, 1 of 1 first citations right", ran.stdout)

    def test_wrong_and_missing_answers_count_as_misses(self):
        other = self.QUERY | {"id": "other"}
        ran = self.show([self.QUERY, other], [self.ANSWER | {"answer": "4712.", "citations": []}])
        self.assertIn("recall by prefix: 0 of 2 answers right, 0 of 2 first citations right", ran.stdout)
        self.assertIn("the run left this query out", self.show([other], [self.ANSWER]).stdout)

    def test_a_question_without_expectation_is_shown_whole(self):
        ran = self.show([{"id": "mine", "question": "Which key?"}], [self.ANSWER | {"id": "mine", "in_scope": False}])
        self.assertIn("out of scope", ran.stdout)
        self.assertIn("book.txt:12  The pass key is 4711.", ran.stdout)
        self.assertNotIn("recall", ran.stdout)

    def test_damaged_and_missing_files_are_named(self):
        queries = self.write("q.jsonl", '{"id": 1, "prefix": "a"}\nnonsense\n')
        ran = self.run_tool("show_answers.py", "--queries", queries, "--answers", queries)
        self.assertEqual(ran.returncode, 65)
        self.assertIn("q.jsonl:2: not a JSON object", ran.stderr)
        self.assertEqual(self.run_tool("show_answers.py", "--queries", queries + "x", "--answers", queries).returncode, 66)


@unittest.skipIf(shutil.which("git") is None, "git is not installed")
class CheckTree(ToolTest):
    def check(self, check: str, files: dict[str, str | bytes]):
        for name, text in files.items():
            self.write(name, text)
        for command in (["init", "-q"], ["add", "-A"]):
            subprocess.run(["git", *command], cwd=self.folder, check=True, capture_output=True)
        return self.run_tool("check_tree.py", check, "--root", str(self.folder))

    def test_machine_paths_are_found_with_their_line(self):
        ran = self.check("words", {"a.md": "fine: frame" + "/wo" + "rk/x\nsee " + "/wo" + "rk/x\n", "b.bin": b"\0 /wo" + b"rk/x"})
        self.assertEqual(ran.returncode, 1)
        self.assertIn("a.md:2:", ran.stdout)
        self.assertIn("1 findings", ran.stdout)

    def test_large_files_are_found(self):
        self.assertIn("big.bin: 40000001 bytes", self.check("words", {"big.bin": bytes(40_000_001)}).stdout)

    def test_scripts_that_do_not_parse_are_found(self):
        ran = self.check("scripts", {"a.py": "def f(:\n", "b.sh": "if true\n", "run": "#!/usr/bin/env bash\ndone\n", "c.sh": "true\n"})
        self.assertEqual(ran.returncode, 1)
        self.assertIn("3 findings", ran.stdout)

    def test_format_finds_what_clang_format_would_change(self):
        ran = self.check("format", {".clang-format": "BasedOnStyle: Google\n", "a.cc": "int  f();\n", "b.cc": "int f();\n"})
        if "LARIMAR SKIPPED" in ran.stdout:
            self.skipTest("clang-format is not installed")
        self.assertIn("a.cc: not formatted", ran.stdout)
        self.assertIn("1 findings", ran.stdout)

    def test_outside_a_clone_it_says_so(self):
        ran = self.run_tool("check_tree.py", "words", "--root", str(self.folder))
        self.assertEqual((ran.returncode, "LARIMAR SKIPPED" in ran.stdout), (0, True))


class MakeQuestions(unittest.TestCase):
    """The rules that make questions out of sentences; cutting text needs a package that is not always there."""

    def setUp(self):
        specification = importlib.util.spec_from_file_location("make_questions", TOOLS / "make_questions.py")
        self.tool = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(self.tool)

    def made(self, rule, sentence):
        return [tuple(one) for one in getattr(self.tool, rule)(sentence, random.Random(1))]

    def test_each_kind_answers_out_of_its_sentence(self):
        self.assertEqual(self.made("what_it_is", "The heron is a large bird of the marshes, grey and slow."), [("What is the heron?", "a large bird of the marshes")])
        self.assertIn(self.made("who_did_it", "Anna Berg painted the old harbour in winter."),
                      ([("What did Anna Berg do?", "painted the old harbour in winter")], [("Who or what painted the old harbour in winter?", "Anna Berg")]))
        self.assertEqual([answer for _, answer in self.made("which_year", "It was rebuilt in 1887 by the town.")], ["1887"])
        self.assertEqual(self.made("how_many", "The crew lost three anchors in the storm."), [("How many anchors?", "three")])
        self.assertEqual([answer for _, answer in self.made("which_name", "A letter reached Anna Berg in May.")], ["Anna Berg"])

    def test_what_is_not_clear_gives_nothing(self):
        self.assertEqual(self.made("which_year", "It lasted from 1887 to 1901."), [])
        self.assertEqual(self.made("how_many", "Two anchors and three sails, two anchors again."), [])
        self.assertEqual(self.made("which_name", "Anna Berg wrote to Carl Dahl."), [])
        self.assertEqual(self.made("what_it_is", "He is here."), [])

    def test_no_kind_is_asked_too_often(self):
        made, draw = collections.Counter(), random.Random(1)
        asked = [self.tool.question_of("It was rebuilt in 1887 by the town.", draw, made, 2) for _ in range(4)]
        self.assertEqual([one is None for one in asked], [False, False, True, True])
        self.assertEqual(asked[0]["answer"], "It was rebuilt in 1887 by the town.")

    def test_an_answer_is_the_least_that_says_it_whole(self):
        sentence = "The mill, which had stood for long at the river below the town, was bought by a painter; it was rebuilt in 1887 by the town."
        self.assertEqual(self.tool.said(sentence, "1887"), "it was rebuilt in 1887 by the town")
        self.assertEqual(self.tool.said("It was rebuilt in 1887.", "1887"), "It was rebuilt in 1887")
        self.assertEqual(self.tool.said("a " * 30 + "1887", "1887"), "1887")


class CapacityTables(ToolTest):
    @staticmethod
    def row(memory, slots, facts, measure, value, source="random", status="measured", asked="written"):
        return {"source": source, "keys": "code", "memory": memory, "slots": slots, "facts": facts, "asked": asked,
                "measure": measure, "value": value, "status": status}

    def table(self, name: str, *rows):
        ran = self.run_tool("make_tables.py", name, self.write("capacity.json", json.dumps({"rows": rows})))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        table = json.loads(ran.stdout)
        for row in table["rows"]:
            self.assertEqual(len(row), len(table["columns"]))
        return table

    def test_recall_of_512_slots_and_of_stored_keys(self):
        row = self.row
        table = self.table(
            "capacity", row("dense", 512, 64, "recalled", 1.0), row("dense", 512, 64, "exact", 0.5),
            row("dense", 512, 64, "recalled", 0.25, asked="rephrased"), row("dense", 128, 64, "recalled", 0.125),
            row("dense-ben-cohen", 512, 1024, "", 0.0, status="diverged", asked=""),
            row("stored", 64, 64, "recalled", 0.75, source="facts"), row("stored", 64, 64, "decoded", 0.625, source="facts"),
            row("", 0, 4096, "", 0.0, source="facts", status="left out", asked=""))
        self.assertEqual(table["columns"], ["facts", "keys", "memory", "share", "N = 64", "N = 1,024", "N = 4,096"])
        self.assertEqual(table["rows"], [["random", "code", "dense", "recalled / exact", "1.00 / 0.50", "", ""],
                                         ["random", "code", "dense-ben-cohen", "recalled / exact", "", "diverged", ""],
                                         ["facts", "code", "stored", "recalled / decoded", "0.75 / 0.62", "", ""]])

    def test_forgotten_beside_retained(self):
        row = self.row
        table = self.table(
            "forgetting", row("dense", 512, 512, "forgotten", 0.0), row("dense", 512, 512, "retained", 1.0),
            row("dense", 512, 1024, "forgotten_tenth", 0.5), row("dense", 512, 1024, "retained_tenth", 0.75))
        self.assertEqual(table["rows"], [["random", "code", "dense", "recalled", "", "0.00 / 1.00", ""],
                                         ["random", "code", "dense", "recalled, a tenth forgotten", "", "", "0.50 / 0.75"]])

    def test_a_missing_file_and_an_unknown_table(self):
        self.assertEqual(self.run_tool("make_tables.py", "capacity", str(self.folder / "absent.json")).returncode, 66)
        self.assertEqual(self.run_tool("make_tables.py", "volume", "a.json").returncode, 2)


class ReliabilityTables(ToolTest):
    def test_speed_and_the_last_of_each_check(self):
        lines = [{"check": "durability_text", "bytes": 5000, "run_s": 2.0, "synced_s": 9.0, "unsynced_s": 2.0, "percent_over_run": 1.0,
                  "percent_over_unsynced": 1.0},
                 {"check": "durability_text", "bytes": 5000, "run_s": 2.0, "synced_s": 2.1, "unsynced_s": 2.0, "percent_over_run": 5.0,
                  "percent_over_unsynced": 5.0},
                 {"check": "durability_codes", "bytes": 7, "codes": 1, "synced_s": 1.0, "unsynced_s": 0.5, "percent_over_unsynced": 100.0},
                 {"check": "first_answer", "segments": 1, "one_rank_s": 0.5, "two_ranks_s": 1.0, "start_alone_s": 0.25}]
        self.write("checks.jsonl", "\n".join(map(json.dumps, lines)))
        ran = self.run_tool("make_reliability.py", "speed", str(self.folder))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        rows = json.loads(ran.stdout)["rows"]
        self.assertEqual(rows[0], ["`ingest` of 5,000 bytes of text, one rank", 2.1,
                                   "+5.0 % against the ingest of `run` (2.0 s), +5.0 % against no fsync (2.0 s)"])
        self.assertEqual([row[1] for row in rows], [2.1, 1.0, 0.5, 1.0])

    def test_what_is_missing(self):
        self.assertEqual(self.run_tool("make_reliability.py", "goals", str(self.folder / "absent")).returncode, 66)
        self.write("checks.jsonl", "{\"check\": \"kills\"}")
        self.assertEqual(self.run_tool("make_reliability.py", "goals", str(self.folder)).returncode, 65)
        self.assertEqual(self.run_tool("make_reliability.py", "other", "x").returncode, 2)


if __name__ == "__main__":
    unittest.main()

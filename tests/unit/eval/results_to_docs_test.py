"""Tests of tools/results_to_docs.py. Argument: the repository's root."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1))
sys.path.insert(0, str(ROOT / "tools"))
import results_to_docs  # noqa: E402

PAGE = "# Results\n<!-- begin a -->\nold | numbers\n<!-- end a -->\ntext\n<!-- begin b -->\n<!-- end b -->\n"
MEASURE = {"hits": 49, "recall": 0.98, "low": 0.895, "high": 0.9965}


class ResultsToDocs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.page = Path(self.folder.name) / "results.md"
        self.page.write_text(PAGE)

    def file(self, data, name="data.json"):
        path = Path(self.folder.name) / name
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    def run_tool(self, *assignments):
        self.errors = io.StringIO()
        with contextlib.redirect_stderr(self.errors):
            return results_to_docs.main(["--docs", str(self.page), *assignments])

    def test_flat_objects_replace_the_named_block_only(self):
        self.assertEqual(self.run_tool(f"a={self.file([{'x': 1, 'y|z': 0.123456}])}"), 0)
        expected = PAGE.replace("old | numbers\n", "| x | y\\|z |\n| --- | --- |\n| 1 | 0.1235 |\n")
        self.assertEqual(self.page.read_text(), expected)

    def test_again_gives_the_same_page(self):
        assignment = f"b={self.file({'columns': ['c'], 'rows': [[True], ['two']]})}"
        self.run_tool(assignment)
        once = self.page.read_text()
        self.run_tool(assignment)
        self.assertEqual(self.page.read_text(), once)
        self.assertIn("| yes |\n| two |\n", once)

    def test_summary_of_an_evaluation(self):
        group = {"kind": "passkey", "digits": 5, "context_tokens": 137000, "key_mode": "prefix", "form": "prefix", "n": 50}
        group.update({name: MEASURE for name in results_to_docs.MEASURES})
        self.assertEqual(self.run_tool(f"a={self.file({'groups': [group]})}"), 0)
        self.assertIn("| 5 digits | 137,000 | prefix | prefix | 50 | 0.98 (49/50, 0.90 to 1.00) |", self.page.read_text())

    def check_refused(self, assignment, code, text):
        self.assertEqual(self.run_tool(assignment), code)
        self.assertIn(text, self.errors.getvalue())
        self.assertEqual(self.page.read_text(), PAGE)

    def test_bad_input_leaves_the_page_alone(self):
        self.check_refused("a", 2, "NAME=FILE")
        self.check_refused("a=/nowhere.json", 66, "/nowhere.json")
        self.check_refused(f"a={self.file('{')}", 65, "is not JSON")
        self.check_refused(f"a={self.file({'groups': [{}]})}", 65, "'digits' is missing")
        self.check_refused(f"a={self.file(dict(columns=['x'], rows=[[1, 2]]))}", 65, "row 1")
        self.check_refused(f"c={self.file([{'x': 1}])}", 65, "<!-- begin c -->")


if __name__ == "__main__":
    unittest.main()

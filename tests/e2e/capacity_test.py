#!/usr/bin/env python3
"""The capacity study as a user starts it: files that appear, numbers that repeat, and what is refused."""
import csv
import json

import harness
from harness import ProgramTest

NAMES = ["Anna", "Boris", "Clara", "Dmitri", "Elsa", "Franz", "Greta", "Henry", "Ilse", "Jacob", "Karen", "Louis"]
TOWNS = ["Rome", "Paris", "Oslo", "Vienna", "Lisbon", "Madrid", "Dublin", "Athens", "Cairo", "Prague", "Bern", "Riga"]


def facts(count: int) -> list[dict]:
    return [{"prompt": f"The home town of {name} is", "target_new": town, "rephrase_prompt": f"{name} was born in"}
            for name, town in list(zip(NAMES, TOWNS))[:count]]


class Capacity(ProgramTest):
    def study(self, *arguments, out=None):
        return self.run_program("eval", "capacity", "--out", out or self.out, *arguments)

    def assert_nothing_half_written(self):
        if self.out.is_dir():
            left = [path.name for path in self.out.iterdir() if path.suffix not in (".csv", ".json", ".svg")]
            self.assertEqual(left, [])

    def rows(self, out=None) -> list[dict]:
        return json.loads(((out or self.out) / "capacity.json").read_text(encoding="utf-8"))["rows"]

    def test_facts_of_a_file_beside_random_codes(self):
        file = self.write("towns.json", json.dumps(facts(12)))
        self.assert_done(self.study("--facts", file, "--fact-keys", "code", "--slots", "8", "--facts-counts", "4,8,12,16"))
        self.assertEqual({path.name for path in self.out.iterdir()},
                         {"capacity.csv", "capacity.json", "capacity-random.svg", "capacity-towns.svg"})
        rows = self.rows()
        with open(self.out / "capacity.csv", encoding="utf-8", newline="") as table:
            lines = list(csv.DictReader(table))
        self.assertEqual(len(lines), len(rows))
        self.assertEqual([line["hits"] for line in lines], [str(row["hits"]) for row in rows])

        def share(memory, count, measure):
            found = [row for row in rows if (row["source"], row["memory"], row["facts"], row["measure"], row["asked"]) ==
                     ("towns", memory, count, measure, "written")]
            self.assertEqual(len(found), 1)
            return found[0]["value"]

        self.assertEqual(share("dense", 8, "exact"), 1.0)
        self.assertEqual(share("dense", 12, "exact"), 0.0)
        self.assertEqual(share("dense", 8, "decoded"), 1.0)
        self.assertEqual(share("stored", 12, "decoded"), 1.0)
        self.assertEqual(share("stored", 12, "forgotten"), 0.0)
        self.assertEqual([(row["source"], row["facts"]) for row in rows if row["status"] == "left out"], [("towns", 16)])

    def test_a_seed_gives_the_same_files(self):
        for name in ("a", "b"):
            self.assert_done(self.study("--quick", "--seed", "7", out=self.folder / name))
        for file in ("capacity.csv", "capacity.json", "capacity-random.svg"):
            self.assertEqual((self.folder / "a" / file).read_bytes(), (self.folder / "b" / file).read_bytes())
        self.assert_done(self.study("--quick", "--seed", "8", out=self.folder / "c"))
        self.assertNotEqual(self.rows(self.folder / "a"), self.rows(self.folder / "c"))

    def test_what_cannot_be_measured_is_refused_before_anything_is_written(self):
        good = self.write("good.json", json.dumps(facts(2)))
        twin = self.write("other/good.json", json.dumps(facts(2)))
        cut = self.write("cut.json", json.dumps(facts(2))[:-5])
        wrong = self.write("wrong.json", json.dumps([*facts(2), {"prompt": "only"}]))
        refused = [
            (66, ["absent.json"], ["--facts", self.folder / "absent.json"]),
            (65, ["cut.json", "not a JSON list"], ["--facts", cut]),
            (65, ["wrong.json, record 3", "target_new"], ["--facts", good, wrong]),
            (2, ["two sources", "good"], ["--facts", good, twin]),
            (2, ["--slots", "not 0"], ["--slots", "8,0"]),
            (2, ["--facts-counts", "not 0"], ["--facts-counts", "0"]),
        ]
        for code, words, arguments in refused:
            with self.subTest(arguments=arguments):
                self.assert_refused(self.study(*arguments), code, *words)
                self.assertFalse(self.out.exists())
        for arguments in (["--slots", "many"], ["--fact-keys", "none"], ["--slots", "-1"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.study(*arguments).code, 2)


if __name__ == "__main__":
    harness.main()

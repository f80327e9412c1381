#!/usr/bin/env python3
"""Encoders in integers (--arithmetic integer), with the real networks: the same texts as in floats, on any number of ranks."""
import json
import os
import pathlib

import harness
import texts
from harness import ProgramTest

FACTS = ["The ferry to Brannoch leaves from the east pier at half past six.", "Edith Marlow restores violins above the chemist in Dale Street.",
         "Wolves were last seen in the valley ninety years ago.", "The pass key of the boat shed is 730915."]
QUERIES = [{"id": "violin", "question": "Who repairs musical instruments?"}, {"id": "boat", "question": "When does the boat to Brannoch go?"},
           {"id": "key", "prefix": "The pass key of the boat shed is"}]
RIGHT = {"violin": FACTS[1], "boat": FACTS[0], "key": FACTS[3]}


class Arithmetic(ProgramTest):
    def setUp(self):
        super().setUp()
        self.minilm = pathlib.Path(os.environ.get("LARIMAR_DEPS", harness.settings.source / ".deps")) / "minilm"
        if not (self.minilm / "model.safetensors").is_file():
            harness.skip_loudly(f"no MiniLM in {self.minilm.parent}; run launch/install.sh")
        planted = {9 * (at + 1): fact for at, fact in enumerate(FACTS)}
        self.context = self.write("book/a.txt", texts.story(60, 21, planted)).parent
        self.write("book/b.txt", texts.story(60, 22))
        self.queries = self.write("queries.jsonl", "".join(json.dumps(query) + "\n" for query in QUERIES))
        self.memory = self.folder / "memory"

    def succeed(self, command, *arguments, ranks=0):
        result = self.run_program(command, *arguments, "--quiet", "--keys-folder", self.minilm, ranks=ranks)
        self.assertEqual(result.code, 0, result.err)

    def answered(self, out, command, *arguments, ranks=0):
        self.succeed(command, *arguments, "--queries", self.queries, "--out", self.folder / out, ranks=ranks)
        return {answer["id"]: answer for answer in self.answers(self.folder / out)}

    def ingest(self, *arguments, ranks=0):
        self.succeed("ingest", "--memory", self.memory, "--context", self.context, "--arithmetic", "integer", *arguments, ranks=ranks)

    def test_answers_are_those_of_floats_but_for_the_last_digits_of_scores(self):
        floats = self.answered("floats", "run", "--context", self.context)
        integers = self.answered("integers", "run", "--context", self.context, "--arithmetic", "integer")
        for name, fact in RIGHT.items():
            self.assertEqual(integers[name]["citations"][0]["excerpt"], fact)
            self.assertEqual(integers[name]["decoded"][0], floats[name]["decoded"][0])
            self.assertAlmostEqual(integers[name]["score"], floats[name]["score"], places=2)
        self.assertNotEqual([integers[name]["score"] for name in RIGHT], [floats[name]["score"] for name in RIGHT])
        self.assertEqual(json.loads((self.folder / "integers/run.json").read_text())["config"]["arithmetic"], "integer")

    def test_a_memory_is_asked_as_it_was_written_on_any_number_of_ranks(self):
        for keys in ("minilm", "model"):
            with self.subTest(keys=keys):
                self.memory = self.folder / f"memory-{keys}"
                self.ingest("--keys", keys, ranks=3)
                one = self.answered(f"one-{keys}", "run", "--context", self.context, "--arithmetic", "integer", "--keys", keys)
                for ranks in (0, 2):
                    asked = self.answered(f"asked-{keys}-{ranks}", "ask", "--memory", self.memory, ranks=ranks)
                    for name, answer in one.items():
                        self.assertEqual([asked[name][field] for field in ("decoded", "score", "margin")],
                                         [answer[field] for field in ("decoded", "score", "margin")])

    def test_floats_do_not_come_into_a_memory_of_integers_nor_unknown_arithmetic_into_a_job(self):
        self.ingest()
        more = self.write("more.txt", "The password of the harbour office is tangerine.\n")
        result = self.run_program("append", "--memory", self.memory, "--context", more, "--quiet", "--keys-folder", self.minilm)
        self.assertEqual(result.code, 78, result.err)
        self.assertIn("integer", result.err)
        self.succeed("append", "--memory", self.memory, "--context", more, "--arithmetic", "integer")
        self.queries = self.write("more.jsonl", json.dumps({"id": "word", "question": "What is the password of the harbour office?"}) + "\n")
        self.assertIn("tangerine", self.answered("grown", "ask", "--memory", self.memory)["word"]["answer"])
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, "--arithmetic", "int4")
        self.assertEqual(result.code, 2, result.err)
        self.assertIn("--arithmetic", result.err)


if __name__ == "__main__":
    harness.main()

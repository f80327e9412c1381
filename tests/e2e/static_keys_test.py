#!/usr/bin/env python3
"""Static keys with the real MiniLM: found by a table, ordered by MiniLM, the same on any number of ranks; and what is refused."""
import json
import os
import pathlib

import harness
import texts
from harness import ProgramTest, Run

FACTS = ["The ferry to Brannoch leaves from the east pier at half past six.", "Edith Marlow restores violins above the chemist in Dale Street.",
         "Wolves were last seen in the valley ninety years ago.", "The lighthouse keeper wrote every letter in green ink."]
QUERIES = [{"id": "violin", "question": "Who repairs musical instruments?"}, {"id": "wolf", "question": "Which animals disappeared from the valley?"},
           {"id": "boat", "question": "When does the boat to Brannoch go?"}, {"id": "ink", "prefix": "The lighthouse keeper wrote every letter in"}]
RIGHT = {"violin": FACTS[1], "wolf": FACTS[2], "boat": FACTS[0], "ink": FACTS[3]}


class StaticKeysTest(ProgramTest):
    """With the table that is shipped."""

    @classmethod
    def setUpClass(cls):
        deps = pathlib.Path(os.environ.get("LARIMAR_DEPS", harness.settings.source / ".deps"))
        cls.minilm = deps / "minilm"
        if not (cls.minilm / "model.safetensors").is_file():
            harness.skip_loudly(f"no MiniLM in {deps}; run launch/install.sh")
        cls.table = harness.settings.source / "models/static-keys/table.safetensors"

    def setUp(self):
        super().setUp()
        planted = {7 * (at + 1): fact for at, fact in enumerate(FACTS)}
        self.context = self.write("book/a.txt", texts.story(60, 11, planted)).parent
        self.write("book/b.txt", texts.story(60, 12))
        self.queries = self.write("queries.jsonl", "".join(json.dumps(query) + "\n" for query in QUERIES))
        self.memory = self.folder / "memory"

    def static(self, command, *arguments, ranks=0, table=None):
        return self.run_program(command, *arguments, "--quiet", "--keys-folder", self.minilm, "--key-table", table or self.table, ranks=ranks)

    def ingest(self, *arguments, **options):
        result = self.static("ingest", "--memory", self.memory, "--context", self.context, "--keys", "static", *arguments, **options)
        self.assertEqual(result.code, 0, result.err)

    def asked(self, *arguments, out="out", **options):
        result = self.static("ask", "--memory", self.memory, "--queries", self.queries, "--out", self.folder / out, *arguments, **options)
        self.assertEqual(result.code, 0, result.err)
        return {answer["id"]: answer for answer in self.answers(self.folder / out)}

    def with_other_vectors(self):
        """The table with one bit of its last number turned over."""
        other = self.folder / "other.safetensors"
        data = bytearray(self.table.read_bytes())
        data[-1] ^= 1
        other.write_bytes(data)
        return other


class Answers(StaticKeysTest):
    def test_what_is_found_is_ordered_by_minilm_on_any_number_of_ranks(self):
        self.ingest(ranks=2)
        usual = None
        for ranks in (0, 3):
            found = self.asked(out=f"out{ranks}", ranks=ranks)
            for name, fact in RIGHT.items():
                answer = found[name]
                self.assertEqual(len(answer["decoded"]), 4)
                self.assertTrue(answer["in_scope"], answer["score"])
                self.assertEqual(answer["citations"][0]["excerpt"], fact)
                self.assertGreater(answer["margin"], 0)
                self.assertGreater(answer["timings"]["ranking"], 0)
            seen = {name: (answer["decoded"], answer["score"], answer["margin"]) for name, answer in found.items()}
            usual = usual or seen
            self.assertEqual(seen, usual)

    def test_scores_are_those_of_minilm_keys(self):
        self.ingest()
        found = self.asked()
        out = self.folder / "minilm"
        result = self.run_program("run", "--context", self.context, "--queries", self.queries, "--out", out, "--keys", "minilm",
                                  "--keys-folder", self.minilm, "--quiet")
        self.assertEqual(result.code, 0, result.err)
        for answer in self.answers(out):
            self.assertEqual(found[answer["id"]]["citations"][0]["excerpt"], answer["citations"][0]["excerpt"])
            self.assertAlmostEqual(found[answer["id"]]["score"], answer["score"], places=3)

    def test_the_shortlist_is_as_long_as_asked_for(self):
        self.ingest()
        for length in (4, 9):  # 4 are read for an answer
            found = self.asked("--shortlist", length, out=f"out{length}")
            self.assertEqual({len(answer["decoded"]) for answer in found.values()}, {4})
            report = json.loads((self.folder / f"out{length}" / "run.json").read_text(encoding="utf-8"))
            self.assertEqual(report["config"]["shortlist"], length)
            self.assertEqual(found["ink"]["citations"][0]["excerpt"], RIGHT["ink"])

    def test_a_memory_grows_and_forgets_by_the_same_keys(self):
        self.ingest()
        more = self.write("more.txt", "The password of the harbour office is tangerine.\n")
        result = self.static("append", "--memory", self.memory, "--context", more, "--keys", "static")
        self.assertEqual(result.code, 0, result.err)
        self.queries = self.write("more.jsonl", json.dumps({"id": "word", "question": "What is the password of the harbour office?"}) + "\n")
        self.assertIn("tangerine", self.asked()["word"]["answer"])
        result = self.static("forget", "--memory", self.memory, "--query", "The password of the harbour office is tangerine.")
        self.assertEqual(result.code, 0, result.err)
        self.assertNotIn("tangerine", json.dumps(self.asked(out="later")["word"]))

    def test_a_calibrated_scope_leaves_strange_questions_out(self):
        self.ingest()
        unseen = self.write("unseen.txt", "".join(f"Photons of colour {at} scatter from a crystal at {at} degrees.\n\n" for at in range(20, 50)))
        self.queries = self.write("two.jsonl", json.dumps({"id": "in", "prefix": "Wolves were last seen in the valley"}) + "\n" +
                                  json.dumps({"id": "out", "question": "At which angle does light of colour 31 scatter?"}) + "\n")
        found = self.asked("--calibrate", unseen)
        self.assertTrue(found["in"]["in_scope"])
        self.assertFalse(found["out"]["in_scope"])


class Refusals(StaticKeysTest):
    def refused(self, result, code, *words):
        self.assertEqual(result.code, code, result.err)
        for word in words:
            self.assertIn(word, result.err)

    def test_what_makes_no_sense(self):
        def run(*arguments, **options):
            return self.static("run", "--context", self.context, "--query", "Who?", "--out", self.out, *arguments, **options)
        self.refused(run("--keys", "minilm"), 78, "--key-table")
        self.refused(run("--keys", "static", "--slots", 4), 78, "stored keys")
        self.refused(run("--keys", "static", "--addressing", "topk"), 78, "blend")
        self.refused(run("--keys", "static", table=self.folder / "absent"), 78, "absent", "larimar static-keys")
        damaged = self.folder / "cut.safetensors"
        damaged.write_bytes(self.table.read_bytes()[:100_000])
        self.refused(run("--keys", "static", table=damaged), 65, str(damaged))
        self.refused(run("--keys", "static", table=self.with_other_vectors()), 65, "damaged", "larimar static-keys")
        self.refused(run("--keys", "static", "--shortlist", 0), 2, "--shortlist")
        self.refused(run("--keys", "static", "--shortlist", 257), 2, "--shortlist")
        self.assertFalse((self.out / "answers.jsonl").exists())

    def test_a_memory_is_asked_with_its_own_table(self):
        self.ingest()
        other = self.with_other_vectors()
        for command, arguments in (("ask", ("--query", "Who?", "--out", self.out)), ("forget", ("--query", "Wolves"))):
            self.refused(self.static(command, "--memory", self.memory, *arguments, table=other), 78, "static", "--key-table")
        self.refused(self.static("append", "--memory", self.memory, "--context", self.write("c.txt", "New words.\n"), "--keys", "static",
                                 table=other), 65, "damaged")
        result = self.run_program("append", "--memory", self.memory, "--context", self.write("d.txt", "Newer words.\n"), "--keys", "minilm",
                                  "--keys-folder", self.minilm, "--quiet")
        self.refused(result, 78, "keys is", "static")


class Fitted(StaticKeysTest):
    def test_a_table_of_ones_own_text_finds_what_is_asked(self):
        text = self.folder / "text"
        self.write("text/a.txt", texts.story(400, 31))
        table = self.folder / "own.safetensors"
        result = Run(["static-keys", "--text", text, "--out", table, "--keys-folder", self.minilm, "--sentences", 300, "--size", 64,
                      "--epochs", 2]).wait(deadline=400)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("epoch 2 of 2: cosine 0.", result.out)
        self.assertIn("64 components", result.out)
        self.table = table
        self.ingest()
        # A prefix has nearly all words of its sentence; 300 sentences teach nothing about others.
        self.assertEqual(self.asked()["ink"]["citations"][0]["excerpt"], RIGHT["ink"])

    def test_what_cannot_be_fitted(self):
        out = self.folder / "table.safetensors"
        def make(*arguments):
            return self.run_program("static-keys", "--out", out, *arguments)
        few = self.write("few/a.txt", "One sentence stands here alone.\n").parent
        self.assertEqual(make("--text", few, "--keys-folder", self.folder).code, 78)
        result = make("--text", few, "--keys-folder", self.minilm)
        self.assertEqual(result.code, 78, result.err)
        self.assertIn("at least 100 texts", result.err)
        self.assertEqual(make("--text", self.folder / "absent", "--keys-folder", self.minilm).code, 66)
        self.assertEqual(make().code, 2)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    harness.main()

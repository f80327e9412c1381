#!/usr/bin/env python3
"""Reranking and answers in words with the real SmolLM2: same answers on any number of ranks, right order, refusals."""
import json
import pathlib
import os

import harness
from harness import ProgramTest

FACTS = [
    "The ferry to Brannoch leaves from the east pier at half past six.", "Edith Marlow restores violins above the chemist in Dale Street.",
    "The council voted to keep the old swimming bath open until autumn.", "A storm in January took the roof off the boat shed.",
    "Professor Adeyemi collects maps of rivers that no longer exist.", "The bakery on the corner sells its last loaves at noon.",
    "Wolves were last seen in the valley ninety years ago.", "The lighthouse keeper wrote every letter in green ink.",
    "Nobody has climbed the north face since the bridge fell.", "The library opens on Sundays for readers of the blind school.",
]
QUESTIONS = {"Who repairs musical instruments?": "Edith Marlow", "Which animals disappeared from the valley?": "Wolves",
             "When does the boat go?": "half past six"}


class LanguageTest(ProgramTest):
    def setUp(self):
        super().setUp()
        deps = pathlib.Path(os.environ.get("LARIMAR_DEPS", harness.settings.source / ".deps"))
        if not (deps / "smollm2" / "config.json").exists():
            harness.skip_loudly(f"no SmolLM2 in {deps}; run launch/install.sh")
        self.context = self.write("context.txt", "\n\n".join(FACTS) + "\n")
        self.queries = self.write("queries.jsonl", "".join(json.dumps({"id": text, "question": text}) + "\n" for text in QUESTIONS) +
                                  json.dumps({"id": "prefix", "prefix": "The lighthouse keeper wrote every letter in"}) + "\n")

    def run_job(self, *arguments, ranks=0, out="out"):
        result = self.run_program("run", "--context", self.context, "--queries", self.queries, "--out", self.folder / out, *arguments, ranks=ranks)
        self.assertEqual(result.code, 0, result.err)
        return {answer["id"]: answer for answer in self.answers(self.folder / out)}


class Answers(LanguageTest):
    def test_order_words_and_citations_on_any_number_of_ranks(self):
        usual = None
        for ranks, decoders in ((0, 1), (3, 1), (4, 2)):
            found = self.run_job("--rerank", "likelihood", "--candidates", 6, "--key-weight", 0, "--reader", "smollm2", "--reads", 3, "--decoders", decoders,
                                 ranks=ranks, out=f"out{ranks}")
            texts = {name: (answer["answer"], answer["decoded"], answer.get("likelihoods")) for name, answer in found.items()}
            usual = usual or texts
            for name, (answer, decoded, likelihoods) in texts.items():
                self.assertEqual((answer, decoded), usual[name][:2], f"{name} on {ranks} ranks")
                for one, two in zip(likelihoods or [], usual[name][2] or [], strict=True):
                    self.assertAlmostEqual(one, two, places=3)
            for question, expected in QUESTIONS.items():
                answer = found[question]
                self.assertEqual(len(answer["decoded"]), 3)
                self.assertEqual(answer["likelihoods"], sorted(answer["likelihoods"], reverse=True))
                self.assertIn(expected, answer["decoded"][0])
                self.assertEqual([citation["excerpt"] for citation in answer["citations"]], answer["decoded"])
                self.assertTrue(answer["answer"])
                self.assertGreater(answer["timings"]["language"], 0)
            self.assertNotIn("likelihoods", found["prefix"], "a prefix is completed, not ranked")
            self.assertEqual(found["prefix"]["answer"].strip(), "green ink.")

    def test_a_great_weight_of_the_key_leaves_its_order(self):
        by_key, reranked = self.run_job("--reads", 3), self.run_job("--rerank", "likelihood", "--candidates", 6, "--reads", 3,
                                                                    "--key-weight", 1000)
        for question in QUESTIONS:
            self.assertEqual(reranked[question]["decoded"], by_key[question]["decoded"])
            self.assertEqual(len(reranked[question]["likelihoods"]), 3)

    def test_without_them_nothing_of_it_shows(self):
        found = self.run_job()
        for question in QUESTIONS:
            self.assertEqual(found[question]["answer"], found[question]["decoded"][0])
            self.assertNotIn("likelihoods", found[question])
            self.assertNotIn("language", found[question]["timings"])


class Refusals(LanguageTest):
    def refused(self, code, words, *arguments):
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, *arguments)
        self.assert_refused(result, code, *words)

    def test_what_cannot_be_is_refused_before_any_work(self):
        self.refused(78, ("no config.json", "--language-model"), "--rerank", "likelihood", "--language-model", self.folder / "absent")
        self.refused(78, ("stored keys",), "--rerank", "likelihood", "--slots", 4)
        empty = self.folder / "empty"
        empty.mkdir()
        (empty / "config.json").write_text('{"model_type": "mamba"}')
        self.refused(66, ("tokenizer",), "--reader", "smollm2", "--language-model", empty)
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, "--rerank", "magic")
        self.assertEqual(result.code, 2, result.err)
        self.assertIn("likelihood", result.err)


if __name__ == "__main__":
    harness.main()

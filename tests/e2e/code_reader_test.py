#!/usr/bin/env python3
"""SmolLM2 reads codes in place of larimar-compact's decoder: recall and answers on any number of ranks, refusals."""
import json
import os
import pathlib
import shutil

import harness
from harness import ProgramTest
from language_test import FACTS

QUESTIONS = ("Who restores violins?", "When were wolves last seen in the valley?")


class CodeReaderTest(ProgramTest):
    def setUp(self):
        super().setUp()
        deps = pathlib.Path(os.environ.get("LARIMAR_DEPS", harness.settings.source / ".deps"))
        if not (deps / "smollm2" / "config.json").exists():
            harness.skip_loudly(f"no SmolLM2 in {deps}; run launch/install.sh")
        self.shipped = harness.settings.source / "models" / "larimar-smol"
        self.context = self.write("context.txt", "\n\n".join(FACTS) + "\n")
        self.queries = self.write("queries.jsonl", "".join(json.dumps({"id": text, "question": text}) + "\n" for text in QUESTIONS) +
                                  json.dumps({"id": "prefix", "prefix": "The lighthouse keeper wrote every letter in"}) + "\n")


class Answers(CodeReaderTest):
    def answered(self, *arguments, ranks=0, out="out"):
        result = self.run_program("run", "--context", self.context, "--queries", self.queries, "--out", self.folder / out, "--decoder-model", "larimar-smol",
                                  "--reads", 2, *arguments, ranks=ranks)
        self.assertEqual(result.code, 0, result.err)
        return {answer["id"]: answer for answer in self.answers(self.folder / out)}

    def test_texts_and_words_come_out_of_codes_on_any_number_of_ranks(self):
        usual = None
        for ranks, decoders in ((0, 1), (3, 1), (4, 2)):
            found = self.answered("--reader", "codes", "--decoders", decoders, ranks=ranks, out=f"out{ranks}")
            texts = {name: (answer["answer"], answer["decoded"]) for name, answer in found.items()}
            usual = usual or texts
            self.assertEqual(texts, usual, f"on {ranks} ranks")
            for name, answer in found.items():
                self.assertEqual([citation["excerpt"] for citation in answer["citations"]], answer["decoded"], f"{name} is recalled word for word")
            self.assertEqual(found["prefix"]["answer"].strip(), "green ink.")
            for question in QUESTIONS:
                self.assertTrue(found[question]["answer"])
                self.assertNotEqual(found[question]["answer"], found[question]["decoded"][0], "a segment is not an answer in words")
                self.assertGreater(found[question]["timings"]["language"], 0)

    def test_a_memory_of_the_usual_model_is_read_too(self):
        memory = self.folder / "memory"
        self.assertEqual(self.run_program("ingest", "--memory", memory, "--context", self.context).code, 0)
        result = self.run_program("ask", "--memory", memory, "--queries", self.queries, "--out", self.out, "--decoder-model", "larimar-smol")
        self.assertEqual(result.code, 0, result.err)
        for answer in self.answers(self.out):
            self.assertEqual(answer["decoded"][0], answer["citations"][0]["excerpt"])


class Refusals(CodeReaderTest):
    def refused(self, code, words, *arguments):
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, *arguments)
        self.assert_refused(result, code, *words)

    def changed(self, field, value):
        folder = self.folder / f"changed-{field}"
        shutil.copytree(self.shipped, folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config[field] = value
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return folder

    def test_what_cannot_be_is_refused(self):
        self.refused(78, ("--decoder-model", "larimar-smol"), "--reader", "codes")
        self.refused(66, ("config.json", "train --codes-of"), "--decoder-model", self.folder / "absent")
        self.refused(78, ("--language-model",), "--decoder-model", self.shipped, "--language-model", self.folder / "absent")
        self.refused(65, ("architecture",), "--decoder-model", harness.settings.model)
        self.refused(65, ("reads codes of larimar-compact 1", "--model"), "--decoder-model", self.changed("codes_of", "larimar-compact 1"))
        self.refused(65, ("is for the language model smollm2 1", "launch/install.sh"), "--decoder-model", self.changed("language_hash", "smollm2 1"))
        damaged = self.changed("rank", json.loads((self.shipped / "config.json").read_text(encoding="utf-8"))["rank"])
        with (damaged / "model.safetensors").open("r+b") as file:
            file.truncate(1000)
        self.refused(65, ("model.safetensors",), "--decoder-model", damaged)

    def test_training_names_what_is_missing(self):
        self.write("train/a.txt", "The river is long.\n")
        common = ["train", "--data", self.folder / "train", "--valid", self.folder / "train", "--out", self.out]
        for code, words, arguments in ((2, ("--tokenizer",), ()),
                                       (66, ("config.json",), ("--codes-of", self.folder / "absent")),
                                       (78, ("--language-model",), ("--codes-of", harness.settings.model, "--language-model", self.folder / "absent"))):
            result = self.run_program(*common, *arguments)
            self.assertEqual(result.code, code, result.err)
            for word in words:
                self.assertIn(word, result.err)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    harness.main()

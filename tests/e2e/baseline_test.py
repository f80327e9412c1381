#!/usr/bin/env python3
"""larimar eval --system: language models that read the context, BM25 and MiniLM retrieval, and what is refused.

The language models are the small random ones of tests/data/models with a tokenizer of single characters: what they say
means nothing, but it is theirs, and every step to it is the one that real weights take.
"""
import json
import os
import pathlib
import shutil

import harness
from harness import ProgramTest

FAMILIES = ("llama_tied", "mistral", "phi3")
CHAT = ["<|im_start|>", "<|im_end|>"]


def tokenizer(extra):
    """Byte-level BPE without merges: a piece for each printable character, <s> before every text."""
    pieces = ["<s>", "</s>", *extra, *(chr(code) for code in range(33, 127)), "\u0120", "\u010a"]
    marks = [{"id": i, "content": piece, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for i, piece in enumerate(pieces[:2 + len(extra)])]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": marks, "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "vocab": {piece: i for i, piece in enumerate(pieces)}, "merges": []},
    }


class Systems(ProgramTest):
    def model(self, family, extra=(), positions=None):
        source = harness.settings.source / "tests" / "data" / "models" / family
        folder = self.folder / family
        folder.mkdir()
        for name in ("config.json", "model.safetensors"):
            shutil.copy(source / name, folder / name)
        self.write(f"{family}/tokenizer.json", json.dumps(tokenizer(extra)))
        if positions:
            config = json.loads((folder / "config.json").read_text())
            self.write(f"{family}/config.json", json.dumps({**config, "max_position_embeddings": positions}))
        return folder

    def measure(self, system, *arguments, out=None, ranks=0, **options):
        return self.run_program("eval", "passkey", "--haystack", "generate:3", "--lengths", "300,600", "--depths", "0,50",
                                "--digits", "3", "--forms", "prefix,question", "--system", system, "--quiet",
                                "--out", out or self.out, *arguments, ranks=ranks, **options)

    def rows(self, out=None):
        return [json.loads(line) for line in ((out or self.out) / "results.jsonl").read_text().splitlines()]

    def done(self, result):
        self.assertEqual(result.code, 0, result.err)

    def validated(self, count, out=None):
        result = self.run_program("eval", "validate", out or self.out)
        self.done(result)
        self.assertIn(f"valid, {count} rows", result.out)
        return self.rows(out)


class FullContext(Systems):
    def test_each_family_reads_the_context_up_to_its_window(self):
        for family in FAMILIES:
            with self.subTest(family):
                out = self.folder / f"out_{family}"
                positions = 160 if family == "phi3" else 128
                self.done(self.measure("full-context", "--language-model", self.model(family), out=out))
                rows = self.validated(8, out)
                self.assertEqual({row["larimar"]["system"] for row in rows}, {f"{family} full context"})
                self.assertEqual({row["model_id"] for row in rows}, {family})
                for row in rows:
                    self.assertTrue(row["usage"]["truncated"])
                    self.assertEqual(row["usage"]["prompt_tokens"], positions - 32)
                    self.assertLessEqual(row["usage"]["completion_tokens"], 32)
                    self.assertIsNone(row["score"]["details"]["retrieval_first"])
                    self.assertEqual((row["larimar"]["citations"], row["larimar"]["key_mode"]), ([], ""))
                cost = json.loads((out / "first_job.json").read_text())
                self.assertGreater(cost["ranks"][0]["peak_memory_bytes"], 0)

    def test_a_context_that_fits_is_read_whole_in_turns_of_a_chat_or_not(self):
        for extra in ((), CHAT):
            with self.subTest(extra=extra):
                out = self.folder / f"out_{len(extra)}"
                folder = self.model("llama_tied", extra, positions=8192)
                self.done(self.measure("full-context", "--language-model", folder, "--limit", "1", out=out))
                prefix, question = self.rows(out)
                context = prefix["larimar"]["bytes"]  # a byte is a token here
                self.assertFalse(prefix["usage"]["truncated"] or question["usage"]["truncated"])
                self.assertEqual(prefix["usage"]["prompt_tokens"], 1 + context + len("\n\nThe pass key is"))
                self.assertGreater(question["usage"]["prompt_tokens"], 1 + context + len("What is the pass key?"))
                shutil.rmtree(folder)

    def test_a_run_goes_on_and_gives_the_rows_of_one_without_a_break(self):
        model = ["--language-model", self.model("llama_tied")]
        whole = self.folder / "whole"
        self.done(self.measure("full-context", *model, out=whole))
        self.done(self.measure("full-context", *model, "--limit", "1"))
        first = (self.out / "results.jsonl").read_bytes()
        self.done(self.measure("full-context", *model))
        self.assertTrue((self.out / "results.jsonl").read_bytes().startswith(first))
        answers = [[(row["larimar"]["cell"], row["response"]) for row in self.rows(out)] for out in (whole, self.out)]
        self.assertEqual(*answers)


class Retrieval(Systems):
    def test_bm25_finds_and_cites_the_needle(self):
        self.done(self.measure("bm25"))
        for row in self.validated(8):
            self.assertEqual(row["larimar"]["system"], "bm25")
            self.assertTrue(row["score"]["details"]["retrieval_first"], row)
            self.assertEqual(row["score"]["value"], 1, row)
            self.assertIsNone(row["usage"])
            cited = row["larimar"]["citations"][0]
            text = pathlib.Path(cited["document"]).read_bytes()[cited["byte_begin"]:cited["byte_end"]].decode()
            self.assertEqual(cited["excerpt"], text)
            self.assertIn(row["expected_answer"].rstrip("."), text)
        before = (self.out / "results.jsonl").read_bytes()
        self.done(self.measure("bm25"))
        self.assertEqual((self.out / "results.jsonl").read_bytes(), before)

    def test_the_cells_are_those_of_the_memory(self):
        self.done(self.measure("bm25"))
        memory = self.folder / "memory"
        self.done(self.measure("larimar", "--keys", "model", "--model", harness.settings.model, out=memory))
        cells = [[(row["larimar"]["cell"], row["larimar"]["context_xxh3"], row["expected_answer"]) for row in self.rows(out)]
                 for out in (self.out, memory)]
        self.assertEqual(*cells)

    def test_a_reader_and_a_reranker_work_with_it(self):
        model = self.model("llama_tied", CHAT, positions=4096)
        self.done(self.measure("bm25", "--language-model", model, "--reader", "smollm2", "--rerank", "likelihood",
                               "--candidates", "6", "--reads", "2"))
        rows = self.validated(8)
        self.assertEqual({row["larimar"]["system"] for row in rows}, {"bm25, reranked, with reader"})
        for row in rows:
            self.assertEqual(len(row["larimar"]["citations"]), 2)
            if row["larimar"]["form"] == "question":
                self.assertNotIn(row["response"], row["larimar"]["decoded"], "the segment, not the reader's words")
        manifest = json.loads((self.out / "manifest.json").read_text())["system"]
        self.assertEqual((manifest["rerank"], manifest["candidates"], manifest["reader"]), ("likelihood", 6, "smollm2"))
        self.assertTrue(manifest["language_model"].startswith("llama_tied "))

    def test_minilm_finds_the_needle(self):
        folder = pathlib.Path(os.environ.get("LARIMAR_DEPS", harness.settings.source / ".deps")) / "minilm"
        if not (folder / "model.safetensors").exists():
            harness.skip_loudly(f"no MiniLM in {folder}")
        self.done(self.measure("minilm", "--keys-folder", folder))
        rows = self.validated(8)
        self.assertEqual({row["larimar"]["system"] for row in rows}, {"minilm"})
        self.assertTrue(all(row["score"]["details"]["retrieval_any"] for row in rows))

    def test_the_memory_with_a_reader_and_a_reranker_says_so(self):
        model = self.model("llama_tied", CHAT, positions=4096)
        self.done(self.measure("larimar", "--keys", "model", "--language-model", model, "--reader", "smollm2",
                               "--rerank", "likelihood", "--candidates", "5", "--limit", "1"))
        manifest = json.loads((self.out / "manifest.json").read_text())["system"]
        self.assertEqual((manifest["rerank"], manifest["candidates"], manifest["reader"]), ("likelihood", 5, "smollm2"))
        for row in self.rows():
            self.assertEqual(row["larimar"]["language"], {"rerank": "likelihood", "candidates": 5, "reader": "smollm2",
                                                          "model": "llama_tied"})


class Refusals(Systems):
    def refused(self, result, code, *parts):
        self.assertEqual(result.code, code, result.err)
        for part in parts:
            self.assertIn(part, result.err)

    def test_results_of_another_system_stay_alone(self):
        self.done(self.measure("bm25", "--limit", "1"))
        before = (self.out / "results.jsonl").read_bytes()
        model = ["--language-model", self.model("llama_tied")]
        self.refused(self.measure("full-context", *model), 78, "another configuration", "system")
        self.refused(self.measure("larimar", "--keys", "model"), 78, "another configuration")
        self.refused(self.measure("bm25", "--reads", "2"), 78, "another configuration")
        self.assertEqual((self.out / "results.jsonl").read_bytes(), before)

    def test_a_window_that_cannot_be(self):
        model = ["--language-model", self.model("llama_tied")]
        self.refused(self.measure("full-context", *model, "--window", "129"), 78, "--window 129", "128 positions")
        self.refused(self.measure("full-context", *model, "--window", "20"), 78, "too small")
        self.refused(self.measure("full-context", *model, "--window", "50"), 78, "no room for a context")
        self.refused(self.measure("full-context", *model, "--window", "0"), 2, "--window")
        self.refused(self.measure("bm25", "--window", "100"), 78, "--window is for --system full-context")
        other = self.measure("full-context", *model, "--window", "100")
        self.done(other)
        self.refused(self.measure("full-context", *model), 78, "another configuration")

    def test_systems_and_combinations_that_do_not_exist(self):
        self.refused(self.measure("psychic"), 2, "--system", "psychic")
        self.refused(self.measure("bm25", ranks=2), 78, "one process", "2 ranks")
        self.refused(self.measure("bm25", "--key-modes", "prefix,segment"), 78, "no key modes")
        self.refused(self.measure("full-context", "--language-model", self.folder), 78, "config.json")
        self.refused(self.measure("full-context", "--language-model", self.model("llama_tied"), "--reader", "smollm2"),
                     78, "--reader")
        self.refused(self.measure("minilm", "--keys-folder", self.folder), 78, "minilm")
        self.refused(self.measure("larimar", "--window", "100"), 78, "--window is for --system full-context")
        self.assertFalse((self.out / "results.jsonl").exists())

    def test_damaged_results_are_named(self):
        self.done(self.measure("bm25", "--limit", "1"))
        rows = self.out / "results.jsonl"
        rows.write_bytes(rows.read_bytes() + rows.read_bytes())
        self.refused(self.run_program("eval", "validate", self.out), 65, "line 3", "twice")


if __name__ == "__main__":
    harness.main()

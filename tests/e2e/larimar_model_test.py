#!/usr/bin/env python3
"""A Larimar checkpoint from the .ckpt to the answer, against a float64 reference: codes, memory, z_read, greedy text.

The small checkpoint and the reference's numbers come from tools/make_larimar_golden.py.
"""
import json

import harness
import tensors
from harness import ProgramTest

TOLERANCE = 1e-4


class LarimarModelTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = harness.settings.source / "tests" / "data" / "larimar"
        self.golden = json.loads((self.data / "golden.json").read_text())
        self.expected = tensors.read(self.data / "golden.safetensors")
        self.model = self.folder / "tiny"
        self.done("convert", self.data / "tiny.ckpt", self.model, "--encoder-tokenizer", self.data / "bert",
                  "--decoder-tokenizer", self.data / "gpt2", "--encoder-heads", 3, "--decoder-heads", 2)
        self.context = self.write("context.txt", "\n\n".join(self.golden["sentences"]) + "\n")
        self.keys = self.write("keys.safetensors", tensors.to_bytes({"keys": self.expected["keys"]}))

    def done(self, *arguments, ranks=0) -> harness.Result:
        result = self.run_program(*arguments, ranks=ranks)
        self.assertEqual(result.code, 0, f"{arguments}\n{result.err}")
        return result

    def ingest(self, name, *rules, ranks=0):
        memory = self.folder / name
        self.done("ingest", "--context", self.context, "--memory", memory, "--model", self.model, "--m0", "model",
                  "--addressing", "dense", *rules, ranks=ranks)
        return memory

    def z_of(self, memory, ranks=0):
        out = self.folder / "found.safetensors"
        out.unlink(missing_ok=True)
        self.done("ask", "--memory", memory, "--keys", self.keys, "--out", out, ranks=ranks)
        return tensors.read(out)["z"]

    def assert_close(self, found, expected, what):
        self.assertEqual(found.shape, expected.shape, what)
        worst = max(abs(a - b) for a, b in zip(found.values, expected.values))
        self.assertLess(worst, TOLERANCE, f"{what}: largest difference {worst}")


class Pipeline(LarimarModelTest):
    def test_codes_are_the_references(self):
        memory = self.ingest("memory")
        out = self.folder / "export.safetensors"
        self.done("export", memory, "--out", out)
        self.assert_close(tensors.read(out)["z"], self.expected["codes"], "codes")

    def test_reads_are_the_references_on_any_number_of_ranks(self):
        for ranks in (0, 2, 4):
            exact = self.ingest(f"exact{ranks}", ranks=ranks)
            self.assert_close(self.z_of(exact, ranks), self.expected["z_key_memory"], f"exact, {ranks} ranks")
            own = self.ingest(f"own{ranks}", "--read-weights", "memory", ranks=ranks)
            self.assert_close(self.z_of(own, ranks), self.expected["z_memory"], f"memory's own weights, {ranks} ranks")
        steps = self.ingest("steps", "--solve", "ben-cohen")
        self.assert_close(self.z_of(steps), self.expected["z_steps"], "15 steps of the iteration")

    def test_a_run_decodes_what_the_reference_decodes(self):
        queries = self.write("queries.jsonl", "".join(
            json.dumps({"id": f"q{i}", "question": text}) + "\n" for i, text in enumerate(self.golden["questions"])))
        texts = None
        for ranks in (0, 2, 3, 5):
            out = self.folder / f"out{ranks}"
            self.done("run", "--context", self.context, "--queries", queries, "--out", out, "--model", self.model, "--m0", "model",
                      "--addressing", "dense", "--reads", 1, ranks=ranks)
            answers = [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]
            decoded = [answer["decoded"][0] for answer in answers]
            texts = texts or decoded
            self.assertEqual(decoded, texts, f"{ranks} ranks")
        self.assertEqual(texts, self.golden["texts"])

    def test_stored_keys_recall_every_sentence(self):
        queries = self.write("queries.jsonl", "".join(
            json.dumps({"id": str(i), "question": text}) + "\n" for i, text in enumerate(self.golden["sentences"])))
        self.done("run", "--context", self.context, "--queries", queries, "--out", self.out, "--model", self.model, "--keys", "model",
                  "--reads", 1, ranks=3)
        answers = [json.loads(line) for line in (self.out / "answers.jsonl").read_text().splitlines()]
        self.assertEqual([answer["decoded"][0] for answer in answers], self.golden["sentences"])


class BadModels(LarimarModelTest):
    def refused(self, code, *words, model=None):
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, "--model", model or self.model,
                                  "--keys", "model")
        self.assertEqual(result.code, code, result.err)
        self.assertLess(result.seconds, 5)
        for word in words:
            self.assertIn(word, result.err)

    def change_config(self, **fields):
        path = self.model / "config.json"
        config = json.loads(path.read_text())
        for name, value in fields.items():
            part, _, field = name.partition("__")
            config[part][field] = value
        path.write_text(json.dumps(config))

    def test_config_and_weights_that_disagree_are_listed_at_once(self):
        self.change_config(encoder__intermediate_size=63)
        self.refused(65, "model.safetensors", "encoder.encoder.layer.0.intermediate.dense.weight: expected FLOAT [63, 48], found F32 [64, 48]",
                     "encoder.encoder.layer.1.output.dense.weight")

    def test_a_decoder_of_another_width_is_refused(self):
        self.change_config(decoder__n_embd=48)
        self.refused(65, "decoder.transformer.wte.weight", "[333, 40]")

    def test_a_tokenizer_of_another_vocabulary_is_refused(self):
        self.change_config(decoder__vocab_size=300)
        self.refused(65, "decoder")

    def test_an_unknown_architecture_names_the_known_ones(self):
        path = self.model / "config.json"
        config = json.loads(path.read_text()) | {"architecture": "titan"}
        path.write_text(json.dumps(config))
        self.refused(65, '"titan"', "larimar-compact", "larimar")

    def test_a_type_that_the_device_lacks_is_refused(self):
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, "--model", self.model,
                                  "--keys", "model", "--dtype", "float16")
        self.assertEqual(result.code, 78, result.err)
        self.assertIn("float16", result.err)
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, "--model", self.model,
                                  "--keys", "model", "--dtype", "float8")
        self.assertEqual(result.code, 2, result.err)

    def test_a_key_memory_of_another_width_is_refused(self):
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, "--model",
                                  harness.settings.model, "--keys", "model", "--addressing", "dense", "--m0", self.model / "m0.safetensors")
        self.assertIn(result.code, (65, 78), result.err)
        self.assertIn("m0.safetensors", result.err)

    def test_a_model_without_a_key_memory_says_so(self):
        (self.model / "m0.safetensors").unlink()
        result = self.run_program("run", "--context", self.context, "--query", "Who?", "--out", self.out, "--model", self.model,
                                  "--addressing", "dense", "--m0", "model")
        self.assertEqual(result.code, 66, result.err)
        self.assertIn("no m0.safetensors", result.err)


if __name__ == "__main__":
    harness.main()

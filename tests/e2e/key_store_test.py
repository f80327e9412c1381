#!/usr/bin/env python3
"""Keys as float, bf16 or int8: the same answers, whatever the ranks; and `larimar bench` in its smallest form."""
import json
import math

import harness
import tensors
from harness import ProgramTest

STORES = ("fp32", "bf16", "int8")
ROWS, CODE, KEY = 700, 6, 40


def without_times(answers: list[dict]) -> list[dict]:
    return [{name: value for name, value in answer.items() if name != "timings"} for answer in answers]


def without_shards(answers: list[dict]) -> list[dict]:
    for answer in answers:
        for citation in answer["citations"]:
            citation.pop("shard")
    return answers


class Stores(ProgramTest):
    def done(self, *arguments, ranks=0):
        result = self.run_program(*arguments, ranks=ranks)
        self.assertEqual(result.code, 0, f"{arguments}\n{result.err}")

    def codes(self):
        """A folder of codes of which some were forgotten, and questions near to their keys."""
        keys = tensors.unit_rows(ROWS, KEY, 2)
        codes, questions = self.folder / "codes.safetensors", self.folder / "questions.safetensors"
        codes.write_bytes(tensors.to_bytes({"z": tensors.random_rows(ROWS, CODE, 1), "keys": keys}))
        questions.write_bytes(tensors.to_bytes({"keys": keys}))
        self.done("ingest", "--codes", codes, "--memory", self.folder / "memory")
        self.done("forget", "--memory", self.folder / "memory", "--id", "3,77,400,401,402")
        return questions

    def found(self, questions, store, *arguments, ranks=0) -> dict[str, bytes]:
        out = self.folder / "found.safetensors"
        out.unlink(missing_ok=True)
        self.done("ask", "--memory", self.folder / "memory", "--keys", questions, "--out", out, "--key-store", store, *arguments,
                  ranks=ranks)
        read = tensors.read(out)
        return {name: read[name].values.tobytes() for name in ("z", "score", "id")}

    def test_codes_are_found_with_the_same_bits_by_every_store_on_any_number_of_ranks(self):
        questions = self.codes()
        expected = self.found(questions, "fp32")
        for ranks in (0, 2, 3):
            for store in STORES:
                self.assertEqual(self.found(questions, store, ranks=ranks), expected, f"{store} on {ranks} ranks")
        files = self.folder / "keys"
        files.mkdir()
        self.assertEqual(self.found(questions, "int8", "--key-folder", files), expected, "mapped keys")
        self.assertEqual(list(files.iterdir()), [], "the mapped file has no name")

    def test_one_query_at_a_time_is_answered_alike(self):
        context = self.write("context.txt", "".join(f"The pass key of door {n} is {n * 7919}. " for n in range(1, 60)))
        asked = ("run", "--context", context, "--keys", "model", "--quiet", "--query", "The pass key of door 17 is", "--out", self.out)
        expected = None
        for ranks in (0, 3):
            for store in STORES:
                self.done(*asked, "--key-store", store, ranks=ranks)
                answers = without_shards(without_times(self.answers()))
                expected = expected or answers
                self.assertEqual(answers, expected, f"{store} on {ranks} ranks")
                self.assertEqual(self.report()["config"].get("key_store", "fp32"), store)
        self.assertIn(str(17 * 7919), expected[0]["answer"])

    def test_what_cannot_be_is_refused(self):
        questions = self.codes()
        asked = ("ask", "--memory", self.folder / "memory", "--keys", questions, "--out", self.folder / "found.safetensors")
        result = self.run_program(*asked, "--key-store", "int4")
        self.assertEqual(result.code, 2, result.err)
        self.assertIn("int4", result.err)
        for ranks in (0, 2):
            result = self.run_program(*asked, "--key-store", "int8", "--key-folder", self.folder / "absent", ranks=ranks)
            self.assertEqual(result.code, 74, result.err)
            for word in ("absent", "--key-folder"):
                self.assertIn(word, result.err)


class Bench(ProgramTest):
    def test_every_part_gives_finite_numbers_and_shares(self):
        for ranks in (0, 2):
            result = self.run_program("bench", "--quick", "--rounds", "2", "--json", "--out", self.folder / "bench.json", ranks=ranks)
            self.assertEqual(result.code, 0, result.err)
            told = json.loads(result.out)
            self.assertEqual(told, json.loads((self.folder / "bench.json").read_text(encoding="utf-8")))
            self.assertEqual({row["part"] for row in told["rows"]}, {"limits", "scan", "linear", "encode", "write", "decode"})
            for row in told["rows"]:
                self.assertTrue(math.isfinite(row["value"]) and row["value"] > 0, row)
                self.assertEqual(row["share"] is None, row["limit"] == "", row)
            names = " ".join(row["measured"] for row in told["rows"])
            self.assertEqual("message of 8 bytes" in names, ranks > 1)

    def test_a_query_is_measured_beside_its_bytes_and_without_them(self):
        for ranks in (0, 2):
            result = self.run_program("bench", "query", "--quick", "--rounds", "2", "--json", ranks=ranks)
            self.assertEqual(result.code, 0, result.err)
            rows = json.loads(result.out)["rows"]
            self.assertEqual([row["unit"] for row in rows], ["us", "ms", "ms", "ms"])
            self.assertEqual([row["limit"] for row in rows], ["", *3 * ["bytes / bandwidth"]])
            for row in rows:
                self.assertTrue(math.isfinite(row["value"]) and row["value"] > 0, row)

    def test_unknown_parts_are_named(self):
        result = self.run_program("bench", "speed")
        self.assertEqual(result.code, 2, result.err)
        self.assertIn("limits, scan, linear, encode, write, decode, query, scaling", result.err)


if __name__ == "__main__":
    harness.main()

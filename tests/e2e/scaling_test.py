#!/usr/bin/env python3
"""`larimar plan`, and `larimar bench scaling` in its smallest form: whether its counts are right, nothing about speed."""
import json
import math

import harness
from harness import ProgramTest


class Plan(ProgramTest):
    def plan(self, *arguments, code=0) -> dict:
        result = self.run_program("plan", *arguments, "--json")
        self.assertEqual(result.code, code, result.err)
        self.assertEqual(result.err, "")
        return json.loads(result.out)

    def test_a_table_and_json_tell_the_same(self):
        told = self.plan("--tokens", "1M", "--ranks", "4", "--tokens-per-segment", "20")
        self.assertEqual((told["tokens"], told["segments"], told["ranks"], told["shards"]), (1_000_000, 50_000, 4, 2))
        self.assertNotIn("fits", told)
        logs = 50_000 * (4 * (768 + 384) + 36)
        self.assertTrue(logs < told["disk_bytes"] < 1.001 * logs + 256 * 64, told["disk_bytes"])
        table = self.run_program("plan", "--tokens", "1M", "--ranks", "4", "--tokens-per-segment", "20")
        self.assertEqual(table.code, 0, table.err)
        for words in ("50000 of 1000000 tokens", "2 of 4; the fullest", "ingest", "read of 1 key", "read of 64 keys", "disk"):
            self.assertIn(words, table.out)

    def test_more_ranks_and_shorter_keys_take_less(self):
        few, many = (self.plan("--tokens", "1B", "--ranks", ranks) for ranks in (8, 64))
        for name in ("ingest_seconds", "read_seconds", "batch_seconds", "rank_bytes"):
            self.assertGreater(few[name], many[name], name)
        self.assertEqual(few["disk_bytes"], many["disk_bytes"])
        stores = [self.plan("--tokens", "1B", "--ranks", 8, "--key-store", store)["rank_bytes"] for store in ("fp32", "bf16", "int8")]
        stores.append(self.plan("--tokens", "1B", "--ranks", 8, "--key-store", "int8", "--key-folder")["rank_bytes"])
        self.assertEqual(stores, sorted(stores, reverse=True))
        self.assertEqual(len(set(stores)), 4)
        static = self.plan("--tokens", "1B", "--ranks", 8, "--keys", "static")
        self.assertLess(static["ingest_seconds"], few["ingest_seconds"])
        self.assertEqual(self.plan("--tokens", "1M")["read"]["messages"], 0, "one rank sends nothing")

    def test_what_does_not_fit_says_what_would(self):
        asked = ("--tokens", "1B", "--memory-per-rank", "2G")
        told = self.plan(*asked, "--ranks", "8", code=78)
        self.assertFalse(told["fits"])
        least = told["least_ranks"]
        self.assertIn(f"--ranks {least}", told["advice"])
        self.assertTrue(self.plan(*asked, "--ranks", least)["fits"])
        self.assertFalse(self.plan(*asked, "--ranks", least - 1, code=78)["fits"])
        for way in told["advice"]:  # each of them is true
            options = ["--key-folder" if word == "--key-folder" else word for word in way.split(",")[0].split() if word != "DIR"]
            self.assertTrue(self.plan(*asked, *([] if "--ranks" in options else ["--ranks", "8"]), *options)["fits"], way)
        table = self.run_program("plan", *asked, "--ranks", "8")
        self.assertEqual(table.code, 78)
        self.assertIn("does NOT fit", table.out)
        self.assertIn(f"--ranks {least}", table.out)
        self.assertIn("fits: no rank needs more", self.run_program("plan", *asked, "--ranks", least).out)
        never = self.plan("--tokens", "1000T", "--ranks", "8", "--memory-per-rank", "2G", code=78)
        self.assertIsNone(never["least_ranks"])
        self.assertEqual(never["advice"], [])

    def test_rates_of_a_file_count(self):
        rates = self.write("rates.json", json.dumps({"rates": {"codes": 1000, "keys": 1000, "segmenting": 1e12, "storing": 1e15}}))
        told = self.plan("--tokens", "1M", "--rates", rates)
        self.assertAlmostEqual(told["ingest_seconds"], 2000, delta=0.01)
        result = self.run_program("plan", "--tokens", "1M", "--rates", self.write("bad.json", '{"rates": {"codes": -1}}'))
        self.assertEqual(result.code, 65, result.err)
        self.assertIn("bad.json", result.err)
        self.assertEqual(self.run_program("plan", "--tokens", "1M", "--rates", self.folder / "absent.json").code, 66)

    def test_what_cannot_be_understood_is_refused_with_the_option(self):
        # What a quantity is: unit/launch/quantities.
        for option, value, word in (
                ("--tokens", "0", "less than 1"), ("--tokens", "1Q", '"Q" is unknown'), ("--ranks", "0", "1 to 65536"),
                ("--ranks", "99999999999999999999", ""), ("--memory-per-rank", "4X", '"X" is unknown'),
                ("--memory-per-rank", "16M", "program and networks alone"), ("--decoders", "9", "1 to 4"), ("--key-store", "int4", "int4"),
                ("--keys", "words", "minilm, static or model"), ("--tokens-per-segment", "nan", "")):
            with self.subTest(option=option, value=value):
                arguments = {"--tokens": "1M", "--ranks": "4", option: value}
                result = self.run_program("plan", *[f"{name}={given}" for name, given in arguments.items()])
                self.assertEqual(result.code, 2, result.err)
                self.assertEqual(result.out, "")
                self.assertIn("key store" if option == "--key-store" else option, result.err)
                self.assertIn(word, result.err)
        result = self.run_program("plan", "--tokens", "1M", "--key-folder")
        self.assertEqual(result.code, 2, result.err)
        self.assertIn("--key-store", result.err)
        self.assertEqual(self.run_program("plan").code, 2)


class Bench(ProgramTest):
    def bench(self, ranks) -> list[dict]:
        result = self.run_program("bench", "scaling", "--quick", "--rounds", "1", "--json", "--folder", self.folder, ranks=ranks)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(list(self.folder.iterdir()), [], "the memories are removed")
        return json.loads(result.out)["rows"]

    def test_counts_are_those_of_the_cost_model_on_every_rank(self):
        for ranks in (0, 2, 3):
            rows = self.bench(ranks)
            self.assertEqual({row["part"] for row in rows}, {"scaling"})
            off = [row["value"] for row in rows if "not the cost model's" in row["measured"]]
            self.assertEqual(off, [0, 0], "strong and weak")
            for row in rows:
                self.assertTrue(math.isfinite(row["value"]) and row["value"] >= 0, row)
                self.assertEqual(len(row.get("ranks", [0] * max(1, ranks))), max(1, ranks), row)
                if "messages sent" in row["measured"] or "bytes sent" in row["measured"]:
                    self.assertEqual(row["value"] > 0, ranks > 0, row)
                if row["limit"] == "the cost model":
                    self.assertEqual(row["share"], 1, row)
                if "logs on disk" in row["measured"]:
                    self.assertAlmostEqual(row["share"], 1, delta=0.02)

    def test_reads_of_two_ranks_by_hand(self):
        rows = {row["measured"].split(": ", 1)[-1]: row for row in self.bench(2) if row["measured"].startswith("strong")}
        # A key of 96 floats and a choice go out; a proposal of two candidates, and a record with 768 floats, come back.
        self.assertEqual(rows["read of 1 key, messages sent"]["ranks"], [2, 2])
        self.assertEqual(rows["read of 1 key, bytes sent"]["ranks"][0], 96 * 4 + 12)
        self.assertEqual(rows["read of 64 keys, bytes sent"]["ranks"][0], 64 * (96 * 4 + 12))
        self.assertGreater(rows["read of 1 key, bytes sent"]["ranks"][1], 768 * 4)

    def test_a_folder_that_is_not_there_is_made_and_one_that_cannot_be_is_named(self):
        blocked = self.write("file", "no folder")
        result = self.run_program("bench", "scaling", "--quick", "--folder", blocked / "below", ranks=2)
        self.assertEqual(result.code, 73, result.err)
        self.assertIn("below", result.err)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Bad codes, bad keys and commands at the wrong time: one sentence, the exit code, and no byte of a memory changed."""
import math

import harness
import tensors
from codes_test import CODE, KEY, CodesTest

FEW = 70  # two blocks


def with_value(one: tensors.Tensor, row: int, value: float) -> tensors.Tensor:
    values = list(one.values)
    values[row * one.shape[1]] = value
    return tensors.tensor(one.kind, one.shape, values)


class Refusals(CodesTest):
    def setUp(self):
        super().setUp()
        self.z, self.keys = tensors.random_rows(FEW, CODE, 1), tensors.unit_rows(FEW, KEY, 2)
        self.codes = self.save("codes.safetensors", z=self.z, keys=self.keys)
        self.questions = self.save("questions.safetensors", keys=self.keys)

    def refused(self, code, *words, arguments, ranks=0):
        """Whatever memory there is stays as it is, and none is made."""
        before = self.bytes_of() if self.memory.exists() else None
        self.assert_refused(self.run_program(*arguments, ranks=ranks), code, *words)
        self.assertEqual(self.bytes_of() if self.memory.exists() else None, before)

    def ingest_refused(self, code, *words, rules=(), command="ingest", ranks=0, **content):
        codes = self.save("bad.safetensors", **content) if content else self.codes
        self.refused(code, *words, arguments=(command, "--codes", codes, "--memory", self.memory, *rules), ranks=ranks)


class BadInput(Refusals):
    """Nothing is there yet, and nothing is made."""

    def test_numbers_that_are_none(self):
        for ranks, value in ((0, math.nan), (3, math.inf)):
            self.ingest_refused(65, "bad.safetensors", '"z"', "row 3 ", ranks=ranks, z=with_value(self.z, 3, value), keys=self.keys)
        for ranks, value in ((0, -math.inf), (3, math.nan)):
            self.ingest_refused(65, "bad.safetensors", '"keys"', "row 66 ", ranks=ranks, z=self.z, keys=with_value(self.keys, 66, value))

    def test_tensors_that_do_not_fit(self):
        z, keys = self.z, self.keys
        short = tensors.matrix(keys.rows()[:-1])
        double = tensors.tensor("F64", z.shape, z.values)
        flat = tensors.tensor("F32", [FEW * CODE], z.values)
        for words, content in (
                (('"keys"', f"[{FEW - 1}, {KEY}]", f"{FEW} rows"), {"z": z, "keys": short}),
                (('"z"', "F64", "must be F32"), {"z": double, "keys": keys}),
                (('"keys"', "F64"), {"z": z, "keys": tensors.tensor("F64", keys.shape, keys.values)}),
                (('"z"', f"[{FEW * CODE}]", "two dimensions"), {"z": flat}),
                (('"z"', f"[{FEW}, 0]"), {"z": tensors.matrix([[]] * FEW, 0)}),
                (('"z"',), {"keys": keys}),
                (('"ids"', "I32"), {"z": z, "ids": tensors.tensor("I32", [FEW], range(FEW))}),
                (('"ids"', "one dimension"), {"z": z, "ids": tensors.tensor("I64", [FEW, 1], range(FEW))}),
                (('"ids"', f"{FEW} rows"), {"z": z, "ids": tensors.ids(range(FEW + 1))}),
                (('"ids"', "row 69 is 5", "came before"), {"z": z, "ids": tensors.ids([*range(FEW - 1), 5])}),
                (('"ids"', "row 1 is negative"), {"z": z, "ids": tensors.ids([0, -1, *range(2, FEW)])})):
            with self.subTest(words=words):
                self.ingest_refused(65, "bad.safetensors", *words, **content)

    def test_files_that_are_none(self):
        for name, content, code in (("cut", self.codes.read_bytes()[:-1], 65), ("text", b"no safetensors at all", 65), ("empty", b"", 65)):
            bad = self.write(f"{name}.safetensors", content)
            with self.subTest(name=name):
                self.refused(code, bad.name, arguments=("ingest", "--codes", bad, "--memory", self.memory))
        self.refused(66, "absent.safetensors", arguments=("ingest", "--codes", self.folder / "absent.safetensors", "--memory", self.memory))

    def test_rules_that_make_no_memory(self):
        m0 = self.save("m0.safetensors", m0=tensors.random_rows(12, KEY + 1, 3))
        holes = self.save("holes.safetensors", m0=with_value(tensors.random_rows(12, KEY, 3), 7, math.nan))
        two = self.save("two.safetensors", a=tensors.random_rows(12, KEY, 3), b=tensors.random_rows(12, KEY, 3))
        for code, words, rules in (
                (78, ("codebook",), ("--addressing", "dense", "--slots", "0")),
                (78, ("ridge", "-0.5", ">= 0"), ("--addressing", "dense", "--slots", "4", "--ridge=-0.5")),
                (78, ("ridge", "nan"), ("--addressing", "dense", "--slots", "4", "--ridge", "nan")),
                (78, ("alpha", "> 0"), ("--addressing", "gaussian", "--slots", "4", "--alpha", "0")),
                (78, ("temperature", "> 0"), ("--addressing", "topk", "--temperature=-1")),
                (78, ("topk", "4 rows", "3 rows"), ("--addressing", "topk", "--slots", "3")),
                (78, ("--slots 71", "70 keys"), ("--slots", "71")),
                (78, ("aggregation best",), ("--aggregation", "sum")),
                (78, ("aggregation sum",), ("--addressing", "dense", "--slots", "4", "--aggregation", "best")),
                (78, (f"{CODE} components", f"keys {KEY}"), ("--addressing", "dense", "--slots", "4", "--solve", "local",
                                                            "--aggregation", "hierarchical")),
                (78, ("ben-cohen",), ("--solve", "ben-cohen")),
                (65, (m0.name, f"[12, {KEY + 1}]", f"[slots, {KEY}]"), ("--addressing", "dense", "--m0", m0)),
                (65, (holes.name, '"m0"', "row 7 "), ("--addressing", "dense", "--m0", holes)),
                (65, (two.name, "2 tensors"), ("--addressing", "dense", "--m0", two)),
                (66, ("none.safetensors",), ("--addressing", "dense", "--m0", self.folder / "none.safetensors"))):
            with self.subTest(rules=rules):
                self.ingest_refused(code, *words, rules=rules)

    def test_refusals_of_a_job_of_ranks(self):
        self.ingest_refused(78, "codebook", rules=("--addressing", "dense"), ranks=3)
        self.ingest_refused(65, '"z"', "F64", ranks=3, z=tensors.tensor("F64", self.z.shape, self.z.values))

    def test_commands_on_folders_that_are_no_memory(self):
        other = self.folder / "other"
        other.mkdir()
        (other / "notes.txt").write_text("mine")
        ask = ("--keys", self.questions, "--out", self.folder / "found.safetensors")
        for command, arguments in (("ask", ask), ("forget", ("--id", "1")), ("update", ("--codes", self.codes))):
            with self.subTest(command=command):
                self.refused(65, str(other), "not a memory", arguments=(command, "--memory", other, *arguments))
                self.refused(66, "absent", arguments=(command, "--memory", self.folder / "absent", *arguments))
        self.refused(66, "absent", "larimar ingest", arguments=("append", "--memory", self.folder / "absent", "--codes", self.codes))
        self.assertEqual([path.name for path in other.iterdir()], ["notes.txt"])
        self.assertFalse((self.folder / "absent").exists())
        self.assertFalse((self.folder / "found.safetensors").exists())
        file = self.write("file", "no folder")
        self.assertIn(self.run_program("ingest", "--memory", file, "--codes", self.codes).code, (65, 66, 73))
        self.assertEqual(file.read_text(), "no folder")


class BadChanges(Refusals):
    """The same for a memory that is there."""

    def setUp(self):
        super().setUp()
        self.ingest()

    def test_ingest_into_a_complete_memory(self):
        self.ingest_refused(78, "larimar append", z=self.z, keys=self.keys, ids=tensors.ids(range(100, 100 + FEW)))

    def test_ids_that_are_there(self):
        fresh = [*range(100, 100 + FEW - 1), 69]
        for ranks in (0, 3):
            self.ingest_refused(65, "id 69 ", "larimar update", command="append", z=self.z, keys=self.keys, ids=tensors.ids(fresh), ranks=ranks)

    def test_codes_of_another_size(self):
        wide = tensors.random_rows(FEW, CODE + 1, 3)
        for command in ("append", "update"):
            for content in ({"z": wide, "keys": self.keys}, {"z": self.z}):
                with self.subTest(command=command, content=list(content)):
                    bad = self.save("bad.safetensors", **content)
                    self.refused({"append": 78, "update": 65}[command], "size" if command == "append" else "components",
                                 arguments=(command, "--codes", bad, "--memory", self.memory))

    def test_other_settings(self):
        ids = tensors.ids(range(100, 100 + FEW))
        self.ingest_refused(78, 'addressing is "nearest" there and "topk" now', command="append", z=self.z, keys=self.keys, ids=ids,
                            rules=("--addressing", "topk"))

    def test_not_a_number_in_what_is_added(self):
        for command in ("append", "update"):
            self.ingest_refused(65, '"z"', "row 2 ", command=command, z=with_value(self.z, 2, math.nan), keys=self.keys,
                                ids=tensors.ids(range(*{"append": (100, 100 + FEW), "update": (0, FEW)}[command])))

    def test_questions(self):
        out = self.folder / "found.safetensors"
        ask = ("ask", "--memory", self.memory)
        for code, words, arguments in (
                (65, ('"keys"', "row 1 "), ("--keys", self.save("nan.safetensors", keys=with_value(self.keys, 1, math.nan)))),
                (65, ('"keys"', f"{KEY} components"), ("--keys", self.save("wide.safetensors", keys=tensors.unit_rows(2, KEY + 1, 3)))),
                (65, ('"keys"',), ("--keys", self.save("named.safetensors", z=self.keys))),
                (66, ("absent",), ("--keys", self.folder / "absent.safetensors"))):
            with self.subTest(words=words):
                self.refused(code, *words, arguments=(*ask, *arguments, "--out", out))
                self.assertFalse(out.exists())
        self.refused(2, "--out", arguments=(*ask, "--keys", self.questions))
        self.refused(65, '"keys"', "row 1 ", arguments=(*ask, "--keys", self.folder / "nan.safetensors", "--out", out), ranks=3)
        self.refused(73, "cannot create", arguments=(*ask, "--keys", self.questions, "--out", self.folder / "no" / "such.safetensors"))
        self.refused(78, "no model here can turn into text", "--keys", arguments=(*ask, "--query", "Who?", "--out", self.folder / "out"))

    def test_forget(self):
        forget = ("forget", "--memory", self.memory)
        self.refused(2, "nothing to forget", arguments=forget)
        self.refused(78, "give --keys", arguments=(*forget, "--query", "Who?"))
        self.refused(65, '"keys"', f"{KEY} components",
                     arguments=(*forget, "--keys", self.save("wide.safetensors", keys=tensors.unit_rows(2, KEY + 1, 3))), ranks=3)

    def test_a_damaged_log(self):
        log = max(self.memory.glob("log.*"), key=lambda path: path.stat().st_size)
        damaged = bytearray(log.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        log.write_bytes(damaged)
        for ranks in (0, 3):
            self.refused(65, log.name, arguments=("ask", "--memory", self.memory, "--keys", self.questions, "--out", self.folder / "o"), ranks=ranks)
        self.refused(65, log.name, arguments=("forget", "--memory", self.memory, "--id", "1"))


if __name__ == "__main__":
    harness.main()

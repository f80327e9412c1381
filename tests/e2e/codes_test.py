#!/usr/bin/env python3
"""Codes and keys of another program: into a memory folder, asked, changed and forgotten, on any number of ranks."""
import math
import pathlib

import harness
import tensors
from harness import ProgramTest

RANKS = (1, 2, 3, 5)
ROWS, CODE, KEY = 400, 6, 8  # seven blocks: shards have unequal shares, and with few rows some have none


class CodesTest(ProgramTest):
    """Files of codes, and the commands by their short names."""

    def save(self, name: str, **content: tensors.Tensor) -> pathlib.Path:
        return self.write(name, tensors.to_bytes(content))

    def setUp(self):
        super().setUp()
        self.z = tensors.random_rows(ROWS, CODE, 1)
        self.keys = tensors.unit_rows(ROWS, KEY, 2)
        self.codes = self.save("codes.safetensors", z=self.z, keys=self.keys)
        self.questions = self.save("questions.safetensors", keys=self.keys)
        self.memory = self.folder / "memory"

    def done(self, *arguments, ranks=0) -> harness.Result:
        result = self.run_program(*arguments, ranks=ranks)
        self.assertEqual(result.code, 0, f"{arguments}\n{result.err}")
        self.assertNotIn("error", result.err)
        return result

    def ingest(self, *arguments, ranks=0, codes=None, memory=None):
        return self.done("ingest", "--codes", codes or self.codes, "--memory", memory or self.memory, *arguments, ranks=ranks)

    def found(self, ranks=0, questions=None, memory=None) -> dict[str, tensors.Tensor]:
        out = self.folder / "found.safetensors"
        out.unlink(missing_ok=True)
        self.done("ask", "--memory", memory or self.memory, "--keys", questions or self.questions, "--out", out, ranks=ranks)
        return tensors.read(out)

    def bytes_of(self, memory=None) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (memory or self.memory).iterdir()}


class Stored(CodesTest):
    def test_codes_come_back_bit_for_bit_on_any_number_of_ranks(self):
        self.ingest()
        one = self.found()
        self.assertEqual(set(one), {"z", "score", "slot", "shard", "id"})
        self.assertEqual(one["z"].values.tobytes(), self.z.values.tobytes())
        self.assertEqual(list(one["id"].values), list(range(ROWS)))
        self.assertTrue(all(abs(score - 1) < 1e-6 for score in one["score"].values))
        self.assertEqual(set(one["shard"].values), {0})
        for ranks in RANKS:
            many = self.found(ranks=ranks)
            for name in ("z", "score", "id"):
                self.assertEqual(many[name].values.tobytes(), one[name].values.tobytes(), f"{name} on {ranks} ranks")
            self.assertEqual(set(many["shard"].values), set(range(max(1, ranks - 1))), f"{ranks} ranks")

    def test_the_folder_has_the_same_bytes_whatever_the_number_of_ranks(self):
        more = self.save("more.safetensors", z=tensors.random_rows(70, CODE, 3), keys=tensors.unit_rows(70, KEY, 4),
                         ids=tensors.ids(range(1000, 1070)))
        changed = self.save("changed.safetensors", z=tensors.random_rows(3, CODE, 5), keys=tensors.unit_rows(3, KEY, 6),
                            ids=tensors.ids([7, 399, 1010]))
        folders = {}
        for ranks in (0, 2, 5):
            memory = self.folder / f"on{ranks}"
            self.ingest(memory=memory, ranks=ranks)
            self.done("append", "--codes", more, "--memory", memory, ranks=ranks)
            self.done("forget", "--id", "5,6,1001", "--memory", memory, ranks=ranks)
            self.done("update", "--codes", changed, "--memory", memory, ranks=ranks)
            folders[ranks] = self.bytes_of(memory)
        self.assertGreater(len(folders[0]), 8, "manifests, and a log for each block")
        for ranks, files in folders.items():
            self.assertEqual(files.keys(), folders[0].keys(), f"{ranks} ranks")
            for name, content in files.items():
                self.assertEqual(content, folders[0][name], f"{name} on {ranks} ranks")

    def test_what_another_number_of_ranks_wrote_is_read_and_changed(self):
        self.ingest(ranks=5)
        self.done("forget", "--id", "17", "--memory", self.memory, ranks=2)
        found = self.found(ranks=3)
        self.assertNotIn(17, found["id"].values)
        self.assertEqual([found["id"].values[i] for i in (16, 18)], [16, 18])

    def test_codes_are_the_keys_where_there_are_no_others(self):
        self.ingest(codes=self.save("only.safetensors", z=self.keys, ids=tensors.ids(i * i for i in range(ROWS))))
        found = self.found(ranks=3)
        self.assertEqual(found["z"].values.tobytes(), self.keys.values.tobytes())
        self.assertEqual(list(found["id"].values), [i * i for i in range(ROWS)])

    def test_equal_keys_are_told_apart_by_the_lower_id(self):
        twice = tensors.matrix([self.keys.row(0), self.keys.row(0)])
        codes = self.save("twice.safetensors", z=tensors.random_rows(2, CODE, 7), keys=twice, ids=tensors.ids([9, 4]))
        self.ingest(codes=codes)
        self.assertEqual(self.found(ranks=3, questions=self.save("q.safetensors", keys=twice))["id"].values.tolist(), [4, 4])

    def test_no_rows_are_a_memory_of_nothing(self):
        codes = self.save("none.safetensors", z=tensors.matrix([], CODE), keys=tensors.matrix([], KEY))
        self.ingest(codes=codes)
        found = self.found(ranks=3, questions=self.save("q.safetensors", keys=tensors.unit_rows(2, KEY, 8)))
        self.assertEqual(tensors.largest(found["z"]), 0)
        self.assertEqual(list(found["id"].values), [-1, -1])
        self.assertEqual(list(found["shard"].values), [-1, -1])
        self.assertEqual(list(found["score"].values), [-math.inf, -math.inf])

    def test_no_questions_are_no_answers(self):
        self.ingest()
        found = self.found(ranks=2, questions=self.save("q.safetensors", keys=tensors.matrix([], KEY)))
        self.assertEqual(found["z"].shape, [0, CODE])


class Changes(CodesTest):
    def setUp(self):
        super().setUp()
        self.ingest()

    def forget(self, *arguments, ranks=0) -> harness.Result:
        return self.done("forget", "--memory", self.memory, *map(str, arguments), ranks=ranks)

    def test_forgotten_ids_never_come_back(self):
        gone = [0, 63, 64, 399]
        self.assertIn("4 segments forgotten", self.forget("--id", ",".join(map(str, gone)), ranks=3).out)
        for ranks in (0, 3):
            found = self.found(ranks=ranks)
            self.assertFalse(set(gone) & set(found["id"].values), f"{ranks} ranks")
            stay = [i for i in range(ROWS) if i not in gone]
            self.assertEqual([found["id"].values[i] for i in stay], stay)
            self.assertTrue(all(found["z"].row(i) == self.z.row(i) for i in stay))
            for i in gone:
                self.assertEqual(found["z"].row(i), self.z.row(found["id"].values[i]), "the code of what is nearest now")

    def test_a_forgotten_id_may_be_written_again(self):
        self.forget("--id", 5)
        again = self.save("again.safetensors", z=tensors.random_rows(1, CODE, 9), keys=tensors.matrix([self.keys.row(5)]),
                          ids=tensors.ids([5]))
        self.done("append", "--codes", again, "--memory", self.memory, ranks=5)
        found = self.found(ranks=2)
        self.assertEqual(list(found["id"].values), list(range(ROWS)))
        self.assertEqual(found["z"].row(5), tensors.read(again)["z"].row(0))

    def test_ids_that_are_not_there_are_listed_and_nothing_changes(self):
        before = self.bytes_of()
        for ranks in (0, 3):
            result = self.run_program("forget", "--memory", self.memory, "--id", "3,1234567,4,99999", ranks=ranks)
            self.assert_refused(result, 3, "1234567, 99999", "nothing was forgotten")
            self.assertNotIn(" 3,", result.err)
            self.assertEqual(self.bytes_of(), before)
        self.assert_refused(self.run_program("forget", "--memory", self.memory, "--document", self.folder / "other"), 3, "other")
        self.assertEqual(self.bytes_of(), before)

    def test_by_keys_above_a_threshold(self):
        near = self.save("near.safetensors", keys=tensors.matrix([self.keys.row(10), self.keys.row(200)]))
        self.assertIn("2 segments", self.forget("--keys", near, "--threshold", 0.9999).out)
        self.assertFalse({10, 200} & set(self.found()["id"].values))
        self.assertIn("0 segments", self.forget("--keys", near, "--threshold", 0.9999).out)
        dots = [sum(a * b for a, b in zip(self.keys.row(10), row)) for row in self.keys.rows()]
        wanted = {i for i, dot in enumerate(dots) if dot >= 0.5} - {10, 200}
        self.assertGreater(len(wanted), 5)
        one = self.save("one.safetensors", keys=tensors.matrix([self.keys.row(10)]))
        self.assertIn(f"{len(wanted)} segments", self.forget("--keys", one, "--threshold", 0.5, ranks=3).out)
        self.assertEqual(set(self.found()["id"].values), set(range(ROWS)) - wanted - {10, 200})

    def test_by_document(self):
        more = self.save("more.safetensors", z=tensors.random_rows(2, CODE, 3), keys=tensors.unit_rows(2, KEY, 4),
                         ids=tensors.ids([500, 501]))
        self.done("append", "--codes", more, "--memory", self.memory)
        self.assertIn("400 segments", self.forget("--document", self.codes, ranks=3).out)
        self.assertEqual(set(self.found()["id"].values), {500, 501})
        self.assertEqual(self.run_program("forget", "--memory", self.memory, "--document", self.codes).code, 3, "it is gone")
        self.done("append", "--codes", self.codes, "--memory", self.memory)
        self.assertEqual(self.found(ranks=2)["z"].values.tobytes(), self.z.values.tobytes())

    def test_update_replaces_codes_and_keys(self):
        z, keys = tensors.random_rows(3, CODE, 5), tensors.unit_rows(3, KEY, 6)
        changed = self.save("changed.safetensors", z=z, keys=keys, ids=tensors.ids([399, 7, 64]))
        self.done("update", "--codes", changed, "--memory", self.memory, ranks=3)
        new = self.found(questions=self.save("q.safetensors", keys=keys))
        self.assertEqual(list(new["id"].values), [399, 7, 64])
        self.assertEqual(new["z"].values.tobytes(), z.values.tobytes())
        found = self.found(ranks=2)
        stay = [i for i in range(ROWS) if i not in (399, 7, 64)]
        self.assertEqual([found["id"].values[i] for i in stay], stay)
        for i in (399, 7, 64):
            self.assertLess(found["score"].values[i], 0.9999, "the old key finds nothing of its own")
        before = self.bytes_of()
        unknown = self.save("unknown.safetensors", z=z, keys=keys, ids=tensors.ids([7, 8, 4000]))
        self.assert_refused(self.run_program("update", "--codes", unknown, "--memory", self.memory, ranks=3), 3, "4000")
        self.assertEqual(self.bytes_of(), before)


class SharedSlots(CodesTest):
    """Sums over shards are rounded in another order: the reads agree to the bound, and with the folder's bytes."""

    def same_on_all_ranks(self, *rules, bound=1e-5, ranks=(3, 5), places=("score", "id", "slot")) -> dict[str, tensors.Tensor]:
        self.ingest(*rules)
        one = self.found()
        self.assertGreater(tensors.largest(one["z"]), 0)
        for count in ranks:
            many = self.found(ranks=count)
            self.assertLessEqual(tensors.largest_difference(many["z"], one["z"]), bound * tensors.largest(one["z"]),
                                 f"{count} ranks, {rules}")
            for name in places:
                self.assertEqual(many[name].values, one[name].values, f"{name} on {count} ranks, {rules}")
        return one

    def test_dense(self):
        found = self.same_on_all_ranks("--addressing", "dense", "--slots", "12", ranks=RANKS)
        self.assertEqual(set(found["slot"].values), {-1}, "weights span all slots")

    def test_gaussian(self):
        self.same_on_all_ranks("--addressing", "gaussian", "--slots", "12", "--alpha", "0.3")

    def test_topk_codebook(self):
        self.same_on_all_ranks("--addressing", "topk", "--slots", "12")

    def test_topk_stored(self):
        found = self.same_on_all_ranks("--addressing", "topk", "--temperature", "0.02", places=("score", "id"))
        self.assertEqual(list(found["id"].values), list(range(ROWS)))

    def test_nearest_codebook_gives_the_mean_of_a_row(self):
        found = self.same_on_all_ranks("--slots", "12", ranks=(3,))
        members = {}
        for i, slot in enumerate(found["slot"].values):
            members.setdefault(slot, []).append(i)
        self.assertLessEqual(len(members), 12)
        for rows in members.values():
            mean = [math.fsum(self.z.row(i)[c] for i in rows) / len(rows) for c in range(CODE)]
            for i in rows:
                self.assertLess(max(abs(a - b) for a, b in zip(found["z"].row(i), mean)), 1e-6)

    def test_dense_round_trip(self):
        """Fewer codes than slots and independent keys: least squares is exact."""
        z, keys = tensors.random_rows(14, CODE, 11), tensors.unit_rows(14, 20, 12)
        codes = self.save("few.safetensors", z=z, keys=keys)
        m0 = self.save("m0.safetensors", m0=tensors.random_rows(16, 20, 13))
        self.ingest("--addressing", "dense", "--m0", m0, codes=codes, ranks=3)
        for ranks in (0, 2):
            found = self.found(ranks=ranks, questions=codes)
            self.assertLess(tensors.largest_difference(found["z"], z), 1e-4 * tensors.largest(z))

    def test_forgetting_equals_never_having_written(self):
        m0 = self.save("m0.safetensors", m0=tensors.unit_rows(12, KEY, 14))
        part = self.save("part.safetensors", z=tensors.matrix(self.z.rows()[:390]), keys=tensors.matrix(self.keys.rows()[:390]))
        for number, rules in enumerate((("--addressing", "dense"), ("--addressing", "gaussian", "--alpha", "0.3", "--ridge", "0.1"),
                                        ("--addressing", "nearest"), ("--addressing", "topk"))):
            whole, never = self.folder / f"whole{number}", self.folder / f"never{number}"
            self.ingest(*rules, "--m0", m0, memory=whole)
            self.ingest(*rules, "--m0", m0, memory=never, codes=part)
            self.done("forget", "--id", ",".join(map(str, range(390, 400))), "--memory", whole)
            one, two = self.found(memory=whole, ranks=3 if number == 0 else 0), self.found(memory=never)
            self.assertLessEqual(tensors.largest_difference(one["z"], two["z"]), 1e-6 * tensors.largest(two["z"]), rules)
            self.assertEqual(one["id"].values, two["id"].values, rules)


if __name__ == "__main__":
    harness.main()

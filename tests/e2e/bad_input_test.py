#!/usr/bin/env python3
"""Contexts and query files that are missing, damaged or odd: one sentence, the right code, no hang, nothing half-written."""
import json
import os
import shutil

import harness
import texts
from harness import ProgramTest, skip_loudly

RANKS = 3


class BadContext(ProgramTest):
    def test_missing(self):
        for ranks in (0, RANKS):
            self.assert_refused(self.ask(self.folder / "no.txt", ranks=ranks), 66, "no.txt", "does not exist")

    def test_empty(self):
        path = self.write("empty.txt", "")
        self.assert_refused(self.ask(path, ranks=RANKS), 66, "empty.txt", "is empty")

    def test_white_space_only(self):
        """Nothing to remember is no fault: the answers say that nothing was found."""
        path = self.write("white.txt", "  \n\n \t\n" * 10)
        self.assert_done(self.ask(path, ranks=RANKS))
        answer = self.answers()[0]
        self.assertEqual((answer["answer"], answer["in_scope"], answer["citations"]), ("", False, []))

    def test_folder_without_files(self):
        (self.folder / "docs" / "below").mkdir(parents=True)
        self.write("docs/.hidden", "not looked at")
        self.assert_refused(self.ask(self.folder / "docs", ranks=RANKS), 66, "docs", "no file")

    def test_one_bad_path_of_several(self):
        good = self.write("good.txt", texts.PASSKEY)
        result = self.run_program("run", "--context", good, self.folder / "bad.txt", "--query", "x", "--keys", "model", "--out", self.out)
        self.assert_refused(result, 66, "bad.txt")

    def test_unreadable(self):
        if os.geteuid() != 0:
            prefix = []
        elif shutil.which("setpriv"):
            prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        else:
            skip_loudly("a file that may not be read: root may read everything, and there is no setpriv")
        path = self.write("secret.txt", texts.PASSKEY)
        path.chmod(0)
        self.out.mkdir()
        self.out.chmod(0o777)
        probe = harness.Run(["--version"], prefix=prefix, cwd="/").wait()
        if probe.code != 0:
            skip_loudly("a file that may not be read: another user cannot start the program here")
        self.assert_refused(self.ask(path, prefix=prefix, cwd="/"), 66, "secret.txt", "permission")

    def test_invalid_utf8_is_masked_and_counted(self):
        path = self.write("latin.txt", b"The caf\xe9 was closed. " + texts.PASSKEY.encode() + b"\nA stray \xff\xfe here too.\n")
        result = self.ask(path, ranks=RANKS)
        self.assert_done(result)
        self.assertEqual(self.report()["context"]["repaired_bytes"], 3)
        self.assertIn("3 bytes", result.err)
        self.assertEqual(self.answers()[0]["citations"][0]["line"], 1)

    def test_invalid_utf8_is_refused_if_strict(self):
        text = texts.story(40, 1).encode()
        path = self.write("latin.txt", text + b"caf\xe9\n")
        self.assert_refused(self.ask(path, "--strict", ranks=RANKS), 65, "latin.txt", f"byte {len(text) + 3}")

    def test_one_shards_error_stops_the_others(self):
        """Invalid text in the first block of 1.5 MB: the other shards do not encode the rest before the job ends."""
        path = self.write("latin.txt", b"caf\xe9\n" + texts.story(30_000, 1).encode())
        result = self.ask(path, "--strict", ranks=4)
        self.assert_refused(result, 65, "latin.txt", "byte 3")
        self.assertLess(result.seconds, 25)

    def test_nul_bytes(self):
        path = self.write("nul.txt", texts.PASSKEY.encode() + b"\nfour \0\0\0\0 of them\n")
        self.assert_done(self.ask(path))
        self.assertEqual(self.report()["context"]["repaired_bytes"], 4)
        shutil.rmtree(self.out)
        self.assert_refused(self.ask(path, "--strict"), 65, "nul.txt", f"byte {len(texts.PASSKEY) + 1 + 5}")

    def test_line_of_100_megabytes(self):
        path = self.write("long.txt", "A first line.\nA second line.\n")
        with path.open("r+b") as file:
            file.truncate(100_000_000)  # sparse: zeros without a line end
        for ranks in (0, 4):
            result = self.ask(path, ranks=ranks)
            self.assert_refused(result, 65, "long.txt", "line 3", "--max-line")
            self.assertLess(result.seconds, 20, "a line that is refused must not be searched again and again")

    def test_long_line_in_the_middle_among_blocks(self):
        """The shard that owns the line names it by its number in the file, not in the block."""
        text = texts.story(900, 2)  # some blocks
        path = self.write("long.txt", text + "x" * 5000 + "\n" + text)
        self.assert_refused(self.ask(path, "--max-line", 4000, ranks=RANKS), 65, "long.txt", f"line {text.count(chr(10)) + 1} ",
                            f"byte {len(text)}")


class OddNames(ProgramTest):
    def test_names_that_are_not_utf8_or_hold_spaces(self):
        for name in (b"caf\xe9.txt", "a \"b\" \u4e2d.txt".encode()):
            path = os.fsencode(self.folder) + b"/" + name
            with open(path, "wb") as file:
                file.write(texts.PASSKEY.encode())
            self.assert_done(self.ask(os.fsdecode(path), ranks=2))
            self.assertTrue(self.answers()[0]["answer"].startswith("48213."))


class BadQueries(ProgramTest):
    def setUp(self):
        super().setUp()
        self.context = self.write("context.txt", texts.story(12, 3, {5: texts.PASSKEY}))

    def ask_file(self, content, ranks=0):
        return self.ask(self.context, "--queries", self.write("q.jsonl", content), ranks=ranks, query=None)

    def test_missing_file(self):
        result = self.ask(self.context, "--queries", self.folder / "no.jsonl", query=None, ranks=RANKS)
        self.assert_refused(result, 66, "no.jsonl")

    def test_empty_file(self):
        self.assert_refused(self.ask_file(""), 66, "q.jsonl", "empty")

    def test_nothing_asked(self):
        self.assert_refused(self.ask(self.context, query=None, ranks=RANKS), 2, "nothing to ask")

    def test_no_good_query(self):
        self.assert_refused(self.ask_file("{\n[]\n", RANKS), 2, "line 1", "line 2")

    def test_bad_lines_are_named_and_the_others_answered(self):
        good = {"id": "a", "prefix": "The pass key of the red door is"}
        lines = [json.dumps(good), "", '{"id": "b", "prefix": ', json.dumps({**good, "question": "And this?"}),
                 json.dumps(good), '{"id": "c", "question": "Which key opens the red door?"}', '{"id": "d", "prefix": 7}']
        result = self.ask_file("\n".join(lines).encode() + b'\n{"id": "e", "prefix": "\xff"}\n', RANKS)
        self.assert_done(result, 3)
        self.assertEqual([answer["id"] for answer in self.answers()], ["a", "c"])
        report = self.report()
        self.assertEqual((report["status"], report["exit_code"]), ("degraded", 3))
        self.assertEqual([bad["line"] for bad in report["queries"]["bad"]], [2, 3, 4, 5, 7, 8])
        self.assertEqual((report["queries"]["total"], report["queries"]["answered"]), (8, 2))
        for line in (2, 3, 4, 5, 7, 8):
            self.assertEqual(result.err.count(f"q.jsonl line {line}: "), 1, result.err)
        self.assertIn("line 5: the id \"a\" was used in line 1", result.err)

    def test_a_code_that_one_rank_alone_knows_keeps_nobody_waiting(self):
        """Rank 0 ends with 3 and the others with 0; at their end they wait for each other, not for patience to run out."""
        good = json.dumps({"id": "a", "prefix": "The pass key of the red door is"})
        result = self.ask(self.context, "--queries", self.write("q.jsonl", good + "\nno JSON\n"), "--patience", 600, ranks=RANKS, query=None)
        self.assert_done(result, 3)  # the harness ends a start after a minute
        self.assertNotIn("in vain", result.err)


class FewSegments(ProgramTest):
    def test_more_ranks_than_segments(self):
        path = self.write("one.txt", texts.PASSKEY.split(". ")[0] + ".")
        self.assert_done(self.ask(path, ranks=8))
        answer = self.answers()[0]
        self.assertEqual(len(answer["citations"]), 1)
        self.assertIsNone(answer["margin"])
        self.assertEqual((answer["citations"][0]["byte_begin"], answer["citations"][0]["byte_end"]), (0, path.stat().st_size))

    def test_codebook_with_more_rows_than_keys(self):
        path = self.write("few.txt", texts.story(5, 1))
        self.assert_refused(self.ask(path, "--slots", 100, ranks=RANKS), 78, "rows", "100")


if __name__ == "__main__":
    harness.main()

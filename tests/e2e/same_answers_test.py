#!/usr/bin/env python3
"""Good input: the answers do not depend on the number of ranks, rest on the bytes that they cite, and find what was planted."""
import json
import os
import pathlib
import shutil

import harness
import texts
from harness import ProgramTest, skip_loudly

RANKS = (1, 2, 3, 4, 5, 8)
PREFIX = "The pass key of the red door is"
KEY_SENTENCE = "The pass key of the red door is 48213."
# Sentences that a planted one is joined with when a window is cut.
STORY = texts.story(400, 11, {151: KEY_SENTENCE, 290: "The old clock in the hall was built by Anton Weber. It has never stopped."})


def without_places(answer: dict) -> dict:
    """An answer without what may differ between rank counts: times, and which shard holds a segment."""
    answer = json.loads(json.dumps(answer))
    del answer["timings"]
    for citation in answer["citations"]:
        del citation["shard"]
    return answer


class GoodInput(ProgramTest):
    def setUp(self):
        super().setUp()
        self.context = self.write("story.txt", STORY)
        some = texts.sentences(400, 11)
        self.queries = self.write("queries.jsonl", "".join(json.dumps(query) + "\n" for query in [
            {"id": "key", "prefix": PREFIX},
            {"id": "clock", "question": "Who built the old clock in the hall?"},
            {"id": "first", "prefix": " ".join(some[0].split()[:4])},
            {"id": "last", "prefix": " ".join(some[-1].split()[:5])},
            {"id": "whole", "prefix": some[200]}]))

    def ask_all(self, *arguments, ranks, keys="model", out="out", context=None):
        result = self.run_program("run", "--context", context or self.context, "--queries", self.queries, "--out", self.folder / out,
                                  "--keys", keys, "--quiet", *arguments, ranks=ranks)
        self.assertEqual(result.code, 0, result.err)
        return self.answers(self.folder / out)

    def same_on_all_ranks(self, *arguments, keys="model", ranks=RANKS):
        one = self.ask_all(*arguments, ranks=0, keys=keys, out="one")
        for count in ranks:
            many = self.ask_all(*arguments, ranks=count, keys=keys, out=f"on{count}")
            for expected, found in zip(one, many, strict=True):
                self.assertEqual(without_places(found), without_places(expected), f"{count} ranks, {arguments}")
        return one

    def check_citations(self, answers):
        data = self.context.read_bytes()
        for answer in answers:
            self.assertTrue(answer["citations"], answer["id"])
            for citation in answer["citations"]:
                begin, end = citation["byte_begin"], citation["byte_end"]
                self.assertEqual(data[begin:end].decode("utf-8"), citation["excerpt"])
                self.assertEqual(citation["line"], data[:begin].count(b"\n") + 1)
                self.assertEqual(citation["document"], str(self.context))

    def test_segment_keys(self):
        answers = self.same_on_all_ranks()
        self.check_citations(answers)
        self.assertEqual([answer["id"] for answer in answers], ["key", "clock", "first", "last", "whole"])
        self.assertEqual(answers[0]["answer"], "48213.")
        self.assertEqual(answers[0]["citations"][0]["excerpt"], KEY_SENTENCE)
        self.assertTrue(answers[0]["in_scope"])

    def test_prefix_keys(self):
        answers = self.same_on_all_ranks("--key-mode", "prefix", "--prefix-words", "8", ranks=(3, 5))
        self.check_citations(answers)
        self.assertEqual(answers[0]["answer"], "48213.")

    def test_sentence_keys_of_windows(self):
        """The planted sentence stands in the middle of a segment; its own key finds it, and the prefix is completed there."""
        answers = self.same_on_all_ranks("--key-mode", "sentence", "--segment", "window", ranks=(2, 5))
        self.check_citations(answers)
        cited = answers[0]["citations"][0]["excerpt"]
        self.assertIn(KEY_SENTENCE, cited)
        self.assertFalse(cited.startswith(KEY_SENTENCE), "the test needs a sentence in the middle of its segment")
        self.assertTrue(answers[0]["answer"].startswith("48213."), answers[0]["answer"])

    def test_minilm_keys(self):
        if not (pathlib.Path(os.environ.get("LARIMAR_DEPS", "")) / "minilm" / "model.safetensors").is_file():
            skip_loudly("keys of all-MiniLM-L6-v2: the network is not installed")
        answers = self.same_on_all_ranks(keys="minilm", ranks=(2, 4))
        self.check_citations(answers)
        self.assertEqual(answers[0]["answer"], "48213.")
        self.assertIn("Anton Weber", answers[1]["citations"][0]["excerpt"])
        self.assertIn("clock", answers[1]["answer"])

    def test_codebook(self):
        """A mean over shards is summed in another order on other rank counts: texts agree, bits need not."""
        arguments = ("--slots", "16")
        one = self.ask_all(*arguments, ranks=0, out="one")
        self.check_citations(one)
        for answer in one:
            weights = [citation["weight"] for citation in answer["citations"]]
            self.assertEqual(len(set(weights)), 1, "members of a row have equal shares")
            self.assertLess(weights[0], 1.0)
        for count in (3, 5):
            many = self.ask_all(*arguments, ranks=count, out=f"on{count}")
            for expected, found in zip(one, many, strict=True):
                self.assertEqual((found["answer"], found["decoded"]), (expected["answer"], expected["decoded"]))
                self.assertEqual([c["segment"] for c in found["citations"]], [c["segment"] for c in expected["citations"]])

    def test_batches_and_decoders(self):
        """Neither how many queries are read together nor who decodes changes an answer."""
        expected = self.ask_all(ranks=0)
        for arguments, ranks in ((("--batch", "2"), 3), (("--decoders", "2", "--batch", "3"), 6), (("--batch", "1"), 0)):
            found = self.ask_all(*arguments, ranks=ranks, out=f"{ranks}")
            texts_of = [[(a["id"], a["answer"], a["decoded"], [c["segment"] for c in a["citations"]]) for a in answers]
                        for answers in (found, expected)]
            self.assertEqual(*texts_of)
            shutil.rmtree(self.folder / f"{ranks}")

    def test_several_documents(self):
        """A folder's documents are read in name order; each cites its own bytes."""
        for name, part in zip(("b.txt", "a.txt", "c.txt"), STORY.split("\n\n", 2), strict=True):
            self.write(f"docs/{name}", part + "\n")
        self.write("docs/empty.txt", "")
        answers = self.ask_all(ranks=3, context=self.folder / "docs")
        self.assertEqual(answers[0]["answer"], "48213.")
        for citation in (citation for answer in answers for citation in answer["citations"]):
            data = pathlib.Path(citation["document"]).read_bytes()
            self.assertEqual(data[citation["byte_begin"]:citation["byte_end"]].decode(), citation["excerpt"])
        self.assertEqual(self.report()["context"]["documents"], 3)

    def test_line_ends_of_other_systems(self):
        self.context.write_bytes(STORY.replace("\n", "\r\n").encode())
        answers = self.ask_all(ranks=3)
        self.check_citations(answers)
        self.assertEqual(answers[0]["answer"], "48213.")

    def test_report(self):
        self.ask_all("--decoders", "2", ranks=6)
        report = self.report()
        self.assertEqual((report["status"], report["exit_code"], report["error"]), ("ok", 0, None))
        self.assertLessEqual({"open", "ingest", "write", "read", "decode"}, set(report["phases"]))
        roles = ["+".join(rank["roles"]) for rank in report["ranks"]]
        self.assertEqual(roles, ["coordinator", "shard", "shard", "shard", "decoder", "decoder"])
        self.assertTrue(all(rank["peak_memory_bytes"] > 0 and rank["pid"] > 0 for rank in report["ranks"]))
        self.assertGreater(report["ingest"]["tokens_per_second"]["all_shards"], 0)
        self.assertEqual(report["context"]["bytes"], self.context.stat().st_size)
        self.assertEqual(report["shards"], {"contributing": [0, 1, 2], "degraded": [], "failed": []})
        self.assertGreater(report["ended_at"], report["started_at"])


if __name__ == "__main__":
    harness.main()

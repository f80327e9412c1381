#!/usr/bin/env python3
"""Text in a memory folder: asked it answers as a run does, and an ingest that was killed leaves no trace once it is finished."""
import json
import pathlib
import shutil
import time

import harness
import texts
from harness import ProgramTest, Run

PREFIX = "The pass key of the red door is"
KEY_SENTENCE = f"{PREFIX} 48213."
CLOCK_SENTENCE = "The old clock in the hall was built by Anton Weber."
CHAPTERS = 6  # a document is at least one block, so the shards have something to share
UNSEEN = [f"Photons of {colour} light scatter from a {thing} at {angle} degrees."
          for colour, thing, angle in zip(["blue", "red", "violet", "infrared", "green"] * 8,
                                          ["crystal", "mirror", "prism", "metal plate", "gas", "lens", "thin film", "grating"] * 5,
                                          range(11, 91, 2))]


def without_places(answer: dict) -> dict:
    answer = json.loads(json.dumps(answer))
    del answer["timings"]
    for citation in answer["citations"]:
        del citation["shard"]
    return answer


class MemoryTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for chapter in range(CHAPTERS):
            planted = {2: {7: KEY_SENTENCE}, 4: {3: CLOCK_SENTENCE}}.get(chapter, {})
            self.write(f"book/{chapter}.txt", texts.story(16, 100 + chapter, planted))
        self.book = self.folder / "book"
        self.memory = self.folder / "memory"
        self.queries = self.write("queries.jsonl", "".join(json.dumps(query) + "\n" for query in [
            {"id": "key", "prefix": PREFIX}, {"id": "clock", "prefix": "The old clock in the hall was built by"},
            {"id": "first", "prefix": " ".join(texts.sentences(16, 100)[0].split()[:4])}]))

    def done(self, *arguments, ranks=0, **options) -> harness.Result:
        result = self.run_program(*arguments, ranks=ranks, **options)
        self.assertEqual(result.code, 0, f"{arguments}\n{result.err}")
        return result

    def into(self, command, *arguments, context=None, memory=None, ranks=0, **options) -> harness.Result:
        return self.run_program(command, "--context", context or self.book, "--memory", memory or self.memory, "--keys", "model",
                                "--quiet", *arguments, ranks=ranks, **options)

    def ingest(self, *arguments, **options) -> harness.Result:
        result = self.into("ingest", *arguments, **options)
        self.assertEqual(result.code, 0, result.err)
        return result

    def asked(self, *arguments, ranks=0, queries=None, memory=None) -> list[dict]:
        out = self.folder / "asked"
        shutil.rmtree(out, ignore_errors=True)
        self.done("ask", "--memory", memory or self.memory, "--queries", queries or self.queries, "--out", out, "--quiet", *arguments,
                  ranks=ranks)
        return self.answers(out)

    def bytes_of(self, memory=None) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (memory or self.memory).iterdir()}

    def assert_same_memory(self, expected: pathlib.Path, message=""):
        one, two = self.bytes_of(expected), self.bytes_of()
        self.assertEqual(one.keys(), two.keys(), message)
        for name, content in one.items():
            self.assertEqual(two[name], content, f"{name} {message}")


class Text(MemoryTest):
    def check_as_run(self, *rules):
        self.done("run", "--context", self.book, "--queries", self.queries, "--out", self.out, "--keys", "model", "--quiet", *rules)
        expected = [without_places(answer) for answer in self.answers()]
        self.assertTrue(expected[0]["answer"].startswith("48213."), expected[0])
        self.ingest(*rules, ranks=3)
        for ranks in (0, 2, 4):
            self.assertEqual([without_places(answer) for answer in self.asked(ranks=ranks)], expected, f"{ranks} ranks")

    def test_the_answers_of_a_run(self):
        self.check_as_run()

    def test_the_answers_of_a_run_with_sentence_keys_of_windows(self):
        self.check_as_run("--key-mode", "sentence", "--segment", "window", "--max-tokens", "50")

    def test_the_folder_has_the_same_bytes_whatever_the_number_of_ranks(self):
        expected = self.folder / "expected"
        self.ingest(memory=expected)
        self.ingest(ranks=4)
        self.assert_same_memory(expected)

    def test_a_second_ingest_finds_nothing_new(self):
        self.ingest()
        before = self.bytes_of()
        for ranks in (0, 3):
            self.assertIn("nothing new", self.ingest(ranks=ranks).out)
            self.assertEqual(self.bytes_of(), before)

    def test_other_documents_are_appended_not_ingested(self):
        self.ingest()
        more = self.write("more.txt", "The keeper of the lighthouse is named Ole Brandt.\n")
        before = self.bytes_of()
        self.assert_refused(self.into("ingest", context=more, ranks=2), 78, "larimar append", "more.txt")
        self.assertEqual(self.bytes_of(), before)
        self.assertEqual(self.into("append", context=more, ranks=3).code, 0)
        ask = self.write("q.jsonl", json.dumps({"id": "ole", "prefix": "The keeper of the lighthouse is named"}) + "\n" +
                         json.dumps({"id": "key", "prefix": PREFIX}) + "\n")
        answers = self.asked(queries=ask, ranks=2)
        self.assertEqual(answers[0]["citations"][0]["document"], str(more))
        self.assertEqual(answers[0]["citations"][0]["excerpt"], more.read_text().strip())
        self.assertIn("Ole Brandt", answers[0]["answer"])
        self.assertEqual(answers[1]["answer"], "48213.")
        self.assertIn("nothing new", self.into("append", context=more).out)

    def test_other_settings_are_refused_and_listed(self):
        self.ingest()
        before = self.bytes_of()
        more = self.write("more.txt", "Another sentence.\n")
        for command, context in (("ingest", self.book), ("append", more)):
            result = self.into(command, "--key-mode", "prefix", "--max-tokens", "40", context=context)
            self.assert_refused(result, 78, 'key mode is "segment" there and "prefix" now', 'max_tokens is "63" there and "40" now')
        self.assertEqual(self.bytes_of(), before)

    def test_forget_a_document(self):
        self.ingest()
        self.done("forget", "--memory", self.memory, "--document", self.book / "2.txt", ranks=3)
        answers = self.asked(ranks=2)
        self.assertNotEqual(answers[0]["answer"], "48213.")
        for answer in answers:
            self.assertNotIn(str(self.book / "2.txt"), [citation["document"] for citation in answer["citations"]])
        self.assertIn("Anton Weber", answers[1]["citations"][0]["excerpt"])
        self.assertEqual(self.into("append", context=self.book / "2.txt", ranks=2).code, 0)
        self.assertEqual(self.asked()[0]["answer"], "48213.", "what was forgotten may be written again")

    def test_forget_by_citation_and_by_likeness(self):
        self.ingest()
        cited = self.asked()[0]["citations"][0]
        self.assertEqual(cited["excerpt"], KEY_SENTENCE)
        self.done("forget", "--memory", self.memory, "--id", cited["segment"], ranks=2)
        self.assertNotEqual(self.asked(ranks=2)[0]["citations"][0]["excerpt"], KEY_SENTENCE)
        self.assertIn("1 segments", self.done("forget", "--memory", self.memory, "--query", CLOCK_SENTENCE, "--threshold", "0.99", ranks=3).out)
        self.assertNotEqual(self.asked()[1]["citations"][0]["excerpt"], CLOCK_SENTENCE)


class Scope(MemoryTest):
    def test_a_threshold_from_text_that_was_not_seen(self):
        unseen = self.write("unseen.txt", "\n\n".join(UNSEEN) + "\n")
        queries = self.write("q.jsonl", "".join(json.dumps({"id": str(i), "prefix": text}) + "\n" for i, text in enumerate([PREFIX, *UNSEEN])))
        self.done("run", "--context", self.book, "--queries", queries, "--out", self.out, "--keys", "model", "--quiet", "--calibrate", unseen)
        scope, answers = self.report()["config"]["scope"], self.answers()
        self.assertTrue(answers[0]["in_scope"])
        self.assertEqual((answers[0]["answer"], "note" in answers[0]), ("48213.", False))
        outside = [answer for answer in answers[1:] if not answer["in_scope"]]
        self.assertGreaterEqual(len(outside), 0.95 * len(UNSEEN))
        for answer in outside:
            self.assertLess(answer["score"], scope)
            self.assertEqual(answer["answer"], "")
            self.assertIn("without memory", answer["note"])
        self.ingest()
        again = self.asked("--calibrate", unseen, queries=queries, ranks=3)
        self.assertEqual([without_places(answer) for answer in again], [without_places(answer) for answer in answers])

    def test_text_that_cannot_calibrate(self):
        few = self.write("few.txt", "One sentence is not enough to know what is far away.\n")
        run = ("run", "--context", self.book, "--query", PREFIX, "--out", self.out, "--keys", "model", "--quiet", "--calibrate")
        self.assert_refused(self.run_program(*run, few, ranks=2), 65, "few.txt", "20")
        self.assert_refused(self.run_program(*run, self.folder / "absent.txt"), 66, "absent.txt")


class Killed(MemoryTest):
    def setUp(self):
        super().setUp()
        self.unbroken = self.folder / "unbroken"
        self.ingest(memory=self.unbroken)

    def finish(self, message, ranks):
        self.ingest(ranks=ranks)
        self.assert_same_memory(self.unbroken, message)

    def test_a_rank_that_dies(self):
        for failpoint, ranks in (("shard.block.encoded:2:kill:2", 3), ("store.log.appended:2:kill:1", 3), ("launch.states.gathered:1:kill:0", 2),
                                 ("store.log.append:3:short-write", 0), ("store.manifest.commit:2:kill", 0)):
            with self.subTest(failpoint=failpoint):
                shutil.rmtree(self.memory, ignore_errors=True)
                result = self.into("ingest", ranks=ranks, environment={"LARIMAR_FAILPOINT": failpoint})
                if "short-write" not in failpoint:
                    self.assertNotEqual(result.code, 0, "the failpoint was not passed")
                self.finish(failpoint, 0)

    def test_all_ranks_that_die_at_once(self):
        run = Run(("ingest", "--context", self.book, "--memory", self.memory, "--keys", "model", "--quiet"), 3,
                  environment={"LARIMAR_FAILPOINT": "shard.block.appended:2+:delay=30"})
        deadline = time.monotonic() + 20
        while not list(self.memory.glob("log.*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        harness.end_marked(run.mark)
        self.assertNotEqual(run.wait().code, 0)
        self.assertTrue(list(self.memory.glob("log.*")), "it was killed before it wrote anything")
        asked = self.run_program("ask", "--memory", self.memory, "--query", PREFIX, "--out", self.out)
        self.assertEqual(asked.code, 65, asked.err)
        self.assertIn("unfinished", asked.err)
        self.finish("all ranks", 2)

    def test_other_documents_do_not_finish_it(self):
        self.into("ingest", environment={"LARIMAR_FAILPOINT": "shard.block.appended:3:kill"})
        self.write("book/0.txt", texts.story(10, 999))
        before = self.bytes_of()
        self.assert_refused(self.into("ingest"), 78, "unfinished", "0.txt")
        self.assert_refused(self.run_program("forget", "--memory", self.memory, "--id", "0"), 78, "unfinished")
        after = self.bytes_of()
        self.assertEqual({name for name in before if name != "lock" and before[name] != after.get(name)}, set())


if __name__ == "__main__":
    harness.main()

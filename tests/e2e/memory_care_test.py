#!/usr/bin/env python3
"""Looking after a memory folder: verify, salvage, reshard, export, show-segment and info; text from standard input."""
import json
import struct

import harness
import texts
from harness import ProgramTest

BOOK = texts.story(40, 7, {11: "The lighthouse keeper's dog is called Barnaby."})


def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {name: (entry["dtype"], entry["shape"], data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]])
            for name, entry in header.items() if name != "__metadata__"}


class CareTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.memory = self.folder / "memory"
        self.book = self.write("book.txt", BOOK)

    def done(self, *arguments, code=0, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.code, code, f"{arguments}\n{result.out}\n{result.err}")
        return result

    def ingest(self):
        self.done("ingest", "--context", self.book, "--memory", self.memory, "--keys", "model", "--quiet")

    def answer(self, memory):
        out = self.folder / "out"
        self.done("ask", "--memory", memory, "--query", "The lighthouse keeper's dog is called", "--out", out, "--quiet")
        return json.loads((out / "answers.jsonl").read_text())

    def test_a_sound_memory_is_called_sound_and_tells_about_itself(self):
        self.ingest()
        self.assertIn("sound", self.done("verify", self.memory).out)
        report = json.loads(self.done("verify", self.memory, "--json").out)
        self.assertEqual((report["sound"], report["damages"]), (True, []))
        info = json.loads(self.done("info", "--memory", self.memory).out)
        self.assertEqual((info["state"], info["documents"][0]["path"]), ("complete", str(self.book)))
        citation = self.answer(self.memory)["citations"][0]
        shown = json.loads(self.done("show-segment", self.memory, "--id", citation["segment"]).out)
        for field in ("byte_begin", "byte_end", "line", "document", "excerpt"):
            self.assertEqual(shown[field], citation[field], field)
        self.assertIn("no segment 5", self.done("show-segment", self.memory, "--id", 5, code=3).err)

    def test_what_is_left_of_a_damaged_memory_is_saved_and_the_rest_is_named(self):
        chapters = [self.write(f"{seed}.txt", texts.story(20, seed)) for seed in range(3)]  # a block and a log for each
        self.done("ingest", "--context", *chapters, self.book, "--memory", self.memory, "--keys", "model", "--quiet")
        logs = sorted(self.memory.glob("log.*"))
        self.assertEqual(len(logs), 4)
        data = bytearray(logs[0].read_bytes())
        data[len(data) // 2] ^= 4
        logs[0].write_bytes(data)
        found = self.done("verify", self.memory, code=65).out
        self.assertIn(str(chapters[0]), found)
        self.assertIn(logs[0].name, found)
        refused = self.done("ask", "--memory", self.memory, "--query", "Who?", "--out", self.folder / "x", code=65)
        self.assertIn(logs[0].name, refused.err)
        saved = self.folder / "saved"
        lost = self.done("salvage", self.memory, "--out", saved, code=3).out
        self.assertIn(f"lost: {chapters[0]} bytes 0 to", lost)
        self.assertIn("sound", self.done("verify", saved).out)
        self.assertEqual(self.answer(saved)["answer"], "Barnaby.")

    def test_a_memory_written_anew_is_without_what_was_forgotten(self):
        self.ingest()
        segment = self.answer(self.memory)["citations"][0]["segment"]
        other = self.write("other.txt", texts.story(10, 99))
        self.done("append", "--context", other, "--memory", self.memory, "--keys", "model", "--quiet")
        self.done("forget", "--memory", self.memory, "--id", segment)
        anew = self.folder / "anew"
        self.assertIn("1 forgotten", self.done("reshard", self.memory, "--out", anew).out)
        self.assertIn("sound", self.done("verify", anew).out)
        before, after = self.answer(self.memory), self.answer(anew)
        for field in ("answer", "score", "decoded", "citations"):
            self.assertEqual(before[field], after[field], field)
        self.assertNotEqual(after["answer"], "Barnaby.")
        self.done("reshard", self.memory, "--out", anew, code=73)

    def test_an_ingest_reports_how_it_went(self):
        self.done("ingest", "--context", self.book, "--memory", self.memory, "--keys", "model", "--quiet", "--out", self.out, ranks=2)
        report = self.report()
        self.assertEqual((report["status"], report["exit_code"], report["error"]), ("ok", 0, None))
        self.assertEqual(report["context"]["documents"], 1)
        self.assertGreater(report["context"]["segments"], 20)
        self.assertEqual(len(report["ranks"]), 2)
        other = self.write("other.txt", texts.story(5, 3))
        self.done("ingest", "--context", other, "--memory", self.memory, "--keys", "model", "--quiet", "--out", self.out, code=78)
        self.assertEqual((self.report()["status"], self.report()["exit_code"]), ("failed", 78))

    def test_a_codebook_larger_than_the_text_says_how_to_go_on(self):
        ingest = ("ingest", "--context", self.book, "--memory", self.memory, "--keys", "model", "--quiet", "--slots")
        refused = self.done(*ingest, 5000, ranks=3, code=78).err
        for word in ("5000 rows", f"remove the folder {self.memory}", "fewer slots"):
            self.assertIn(word, refused)
        self.assertIn("remove that folder", self.done(*ingest, 4, code=78).err)

    def test_acknowledgements_that_cannot_be_written_are_refused(self):
        nowhere = self.folder / "none" / "acknowledged"
        refused = self.done("ingest", "--context", self.book, "--memory", self.memory, "--keys", "model", "--quiet", "--acknowledge",
                            nowhere, ranks=2, code=73).err
        self.assertIn(f"cannot write {nowhere} for acknowledgements", refused)

    def test_an_export_holds_every_segment(self):
        self.ingest()
        tensors = self.folder / "all.safetensors"
        self.done("export", self.memory, "--out", tensors)
        found = read_safetensors(tensors)
        rows = found["ids"][1][0]
        self.assertEqual(found["z"][:2], ("F32", [rows, 768]))
        self.assertEqual(found["key_owner"][1][0], found["keys"][1][0])
        report = json.loads(self.done("verify", self.memory, "--json").out)
        self.assertEqual(rows, report["segments"])

    def test_standard_input_becomes_a_document(self):
        for ranks in (0, 3):
            memory = self.folder / f"piped{ranks}"
            for said in ("1 documents", "nothing new"):
                result = self.done("ingest", "--context", "-", "--memory", memory, "--keys", "model", "--quiet", ranks=ranks,
                                   stdin=BOOK.encode())
                self.assertIn(said, result.out)
            answer = self.answer(memory)
            self.assertEqual(answer["answer"], "Barnaby.")
            document = answer["citations"][0]["document"]
            self.assertTrue(document.startswith(str(memory)), document)
            with open(document, "rb") as file:
                self.assertEqual(file.read(), BOOK.encode())
        empty = self.folder / "empty"
        self.assertIn("nothing came", self.done("ingest", "--context", "-", "--memory", empty, "--keys", "model", code=66, stdin=b"").err)

    def test_failpoints_are_listed(self):
        listed = json.loads(self.done("info", "--failpoints", "--json").out)
        self.assertGreaterEqual(len(listed["failpoints"]), 40)
        refused = self.done("verify", self.folder, code=65)
        self.assertIn("is not a memory", refused.err)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""The report as a user makes it: its files, the page in a browser without a network, and what is refused."""
import collections
import csv
import html.parser
import json
import os
import re
import shutil
import xml.etree.ElementTree

import browser
import harness
from harness import ProgramTest, skip_loudly

LENGTHS, DEPTHS = (1000, 8000, 137000), (0, 50, 100)
HOSTILE = "</title><script>console.error('out')</script><img src='http://example.invalid/x.png' onerror=alert(1)>"


def row(length, depth, score, system="", kind="passkey") -> dict:
    own = {"kind": kind, "digits": 5, "key_mode": "prefix", "form": "prefix", "run": "r"}
    return {"task_type": "passkey", "context_length": length, "target_depth_percent": depth,
            "recipe": {"final_context_token_count": length}, "duration_seconds": length / 1e4, "status": "ok",
            "score": {"value": score, "details": {"retrieval_first": True, "wording": score == 1}},
            "larimar": {**own, "system": system} if system else own}


def grid(**texts) -> list[dict]:
    """Two trials a cell; the second fails at the end of the longest context."""
    return [row(length, depth, 0.0 if trial and (length, depth) == (137000, 100) else 1.0, **texts)
            for length in LENGTHS for depth in DEPTHS for trial in range(2)]


class PageText(html.parser.HTMLParser):
    """The tags of a page, and its visible text."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.attributes, self.text = collections.Counter(), collections.Counter(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


class Report(ProgramTest):
    def results(self, name: str, rows: list[dict]):
        return self.write(f"{name}/results.jsonl", "".join(json.dumps(one) + "\n" for one in rows)).parent

    def report(self, *arguments, out=None, **options):
        return self.run_program("report", *arguments, "--out", out or self.out, **options)

    def assert_nothing_half_written(self):
        if self.out.is_dir():
            left = [path.name for path in self.out.iterdir() if path.suffix not in (".csv", ".html", ".png", ".svg")]
            self.assertEqual(left, [])

    def test_files_and_numbers(self):
        first = self.results("a", grid())
        (first / "first_job.json").write_text(json.dumps(
            {"tokens": 137000, "seconds": {"ingest": 3},
             "ranks": [{"peak_memory_bytes": 2e8}, {"peak_memory_bytes": 1e8}]}))
        second = self.results("b", [row(8000, 50, 0.5, "BM25")])
        published = self.write("p.json", json.dumps([
            {"system": "Mistral-7B", "task": "passkey 5 digits", "length": 24000, "value": 0.62, "source": "a paper"}]))
        self.assert_done(self.report(first, f"lexical={second}", "--published", published, "--title", "Needles"))
        names = sorted(path.name for path in self.out.iterdir())
        figures = [name[:-4] for name in names if name.endswith(".svg")]
        self.assertEqual(sum(name.startswith("heatmap-") for name in figures), 2)
        self.assertEqual(sum(name.startswith("recall-") for name in figures), 1)
        self.assertEqual(sum(name.startswith("systems-") for name in figures), 3)
        self.assertLessEqual({"latency", "memory"}, set(figures))
        drawn = [f"{name}{end}" for name in figures for end in (".csv", ".svg")]
        self.assertEqual(names, sorted(["index.html", "summary.csv", *drawn]))
        for name in figures:
            xml.etree.ElementTree.parse(self.out / f"{name}.svg")
        with open(self.out / "summary.csv", encoding="utf-8", newline="") as file:
            lines = {(line["system"], line["length"]): line for line in csv.DictReader(file)}
        longest = lines["larimar, prefix keys", "137000"]
        self.assertEqual((longest["n"], longest["recall"], longest["origin"]), ("6", "0.833333", "measured"))
        self.assertEqual(lines["lexical, prefix keys", "8000"]["recall"], "0.500000")
        self.assertEqual((lines["Mistral-7B", "24000"]["origin"], lines["Mistral-7B", "24000"]["n"]), ("published", ""))
        page = PageText((self.out / "index.html").read_text(encoding="utf-8"))
        for words in ("Needles", "0.83", "n = 6", "published, not measured here", "How recall is scored",
                      f"larimar report {first}"):
            self.assertIn(words, page.text)
        self.assertEqual(page.tags["svg"], len(figures))

    def test_equal_inputs_give_equal_bytes_and_options_change_them(self):
        folder = self.results("a", grid())
        self.assert_done(self.report(folder, out="one", cwd=self.folder))
        self.assert_done(self.report(folder, out="two", cwd=self.folder))
        for path in (self.folder / "one").iterdir():
            other = (self.folder / "two" / path.name).read_bytes()
            if path.name == "index.html":  # names its folder in the command
                other = other.replace(b"--out two", b"--out one")
            self.assertEqual(path.read_bytes(), other, path.name)
        changed = ["--scale", "red-yellow-green", "--score", "retrieval"]
        self.assert_done(self.report(folder, *changed, out=self.folder / "three"))
        heatmap = next((self.folder / "three").glob("heatmap-*.svg")).read_text()
        self.assertNotIn("#f4e55d", heatmap)
        self.assertNotIn(">0.50<", heatmap)
        self.assertIn(">0.50<", next((self.folder / "one").glob("heatmap-*.svg")).read_text())

    def test_png_files(self):
        folder = self.results("a", grid())
        if shutil.which("rsvg-convert") is None:
            skip_loudly("rsvg-convert is not installed; launch/install.sh brings librsvg2-bin")
        self.assert_done(self.report(folder, "--png"))
        for svg in self.out.glob("*.svg"):
            rows = browser.decode_png(svg.with_suffix(".png").read_bytes())
            drawn = re.search(r' width="(\d+)" height="(\d+)"', svg.read_text())
            self.assertEqual((len(rows[0]) // 3, len(rows)), (2 * int(drawn[1]), 2 * int(drawn[2])), svg.name)
        heatmap = browser.decode_png(next(self.out.glob("heatmap-*.png")).read_bytes())
        self.assertIn(bytes.fromhex("f4e55d"), {line[i:i + 3] for line in heatmap for i in range(0, len(line), 3)})

    def test_png_without_its_program(self):
        folder = self.results("a", grid())
        result = self.report(folder, "--png", environment={"PATH": str(self.folder)})
        self.assert_refused(result, 78, "rsvg-convert", "librsvg2-bin")
        self.assertFalse(self.out.exists())

    def test_what_cannot_be_shown_is_refused_before_anything_is_written(self):
        good = self.results("good", grid())
        without = self.results("without", [row(1000, 0, 1), {k: v for k, v in row(1000, 0, 1).items() if k != "score"}])
        other = self.results("other", [{**row(1000, 0, 1), "larimar": {**row(1000, 0, 1)["larimar"], "run": "r2"}}])
        text = self.write("text/results.jsonl", "no json\n").parent
        empty = self.write("empty/results.jsonl", "").parent
        high = self.write("bad.json", '[{"system": "a", "task": "b", "length": 1, "value": 2, "source": "c"}]')
        refused = [
            (66, ["absent", "results.jsonl"], [self.folder / "absent"]),
            (66, ["nothing to show"], [empty]),
            (65, ["without/results.jsonl, line 2", '"score" is missing'], [without]),
            (65, ["text/results.jsonl, line 1", "column 2"], [text]),
            (66, ["absent.json"], [good, "--published", self.folder / "absent.json"]),
            (65, ["bad.json, record 1", "value"], [good, "--published", high]),
            (78, ["different configurations", "NAME="], [good, other]),
            (2, ["named twice"], [good, good]),
            (2, ["NAME=FOLDER"], [f"={good}"]),
        ]
        for code, words, arguments in refused:
            with self.subTest(arguments=arguments):
                self.assert_refused(self.report(*arguments), code, *words)
                self.assertFalse(self.out.exists())
        for arguments in ([], [good, "--scale", "rainbow"], [good, "--score", "style"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.report(*arguments).code, 2)
        file = self.write("file", "")
        self.assert_refused(self.report(good, out=file / "below"), 73, "below")

    def test_hostile_texts_stay_texts(self):
        folder = self.results("a", [row(1000, 0, 1, system=HOSTILE, kind=HOSTILE)])
        published = self.write("p.json", json.dumps([
            {"system": HOSTILE, "task": HOSTILE, "length": 1000, "value": 1, "source": HOSTILE}]))
        self.assert_done(self.report(folder, "--published", published, "--title", HOSTILE))
        page = PageText((self.out / "index.html").read_text(encoding="utf-8"))
        self.assertEqual((page.tags["script"], page.tags["img"], page.attributes["onerror"]), (0, 0, 0))
        self.assertIn(HOSTILE, page.text)
        for svg in self.out.glob("*.svg"):
            tags = {element.tag.split("}")[1] for element in xml.etree.ElementTree.parse(svg).iter()}
            self.assertLessEqual(tags, {"svg", "title", "rect", "text", "line", "circle", "polygon", "polyline", "g"})


class InABrowser(ProgramTest):
    """The page as Chromium shows it."""

    def setUp(self):
        super().setUp()
        if browser.program() is None:
            skip_loudly("chromium is not installed; launch/install.sh --tests brings it")

    def assert_nothing_half_written(self):
        pass

    def make_page(self):
        folder = self.write("a/results.jsonl", "".join(json.dumps(one) + "\n" for one in grid(system=HOSTILE))).parent
        self.assert_done(self.run_program("report", folder, "--title", HOSTILE, "--out", self.out))
        return self.out / "index.html"

    def test_the_browser_test_sees_requests_and_errors(self):
        page = self.write("bad.html", "<!doctype html><img src='http://example.invalid/x.png'>"
                                      "<script>console.error('boom')</script>")
        view = browser.look_at(page, 500, 400, self.folder)
        self.assertEqual(view.requests, ["http://example.invalid/x.png"])
        self.assertIn("boom", "".join(view.console))

    def test_it_is_readable_silent_and_asks_for_nothing(self):
        page = self.make_page()
        for width, dark in ((390, False), (1280, False), (1280, True)):
            with self.subTest(width=width, dark=dark):
                view = browser.look_at(page, width, 1900, self.folder, dark)
                self.keep(f"report-{width}{'-dark' if dark else ''}.png")
                self.assertEqual((view.console, view.requests), ([], []))
                colours = collections.Counter(line[i:i + 3] for line in view.pixels for i in range(0, len(line), 3))
                self.assertGreater(len(colours), 100, "the page is blank")
                ground, _ = colours.most_common(1)[0]
                self.assertEqual(sum(ground) < 384, dark, "the ground is as light or dark as the reader asked")
                edge = {line[-3:] for line in view.pixels}
                self.assertEqual(len(edge), 1, "something runs out of the page on the right")
                if width > 1000:
                    self.assertGreater(colours[bytes.fromhex("f4e55d")], 1000, "no heatmap in sight")

    def keep(self, name):
        """Screenshots stay where LARIMAR_SCREENSHOTS says, for someone to look at."""
        if folder := os.environ.get("LARIMAR_SCREENSHOTS"):
            shutil.copy(self.folder / "shot.png", os.path.join(folder, name))


if __name__ == "__main__":
    harness.main()

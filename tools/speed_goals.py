#!/usr/bin/env python3
"""The goals of speed beside what was measured, as one table.

    tools/speed_goals.py [--data docs/data] [--out FILE.json]

Reads what the commands of docs/performance.md wrote and types no number of its own but the goals. The table is printed. Standard library only.
Exit codes: 0 done, whether all goals are reached or not; 65 a file lacks what is looked for; 66 a file is not there.
"""
import argparse
import json
import pathlib
import sys

LEAST, MOST = ">=", "<="


class Data:
    """Measured numbers by file, line and column."""

    def __init__(self, folder):
        self.folder = folder

    def load(self, name):
        path = self.folder / f"{name}.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            sys.exit(fail(66, f"{path} is not there; docs/performance.md says which command writes it"))

    def cell(self, name, column, *line):
        """Of the one row whose first cells are `line`."""
        table = self.load(name)
        found = [row for row in table["rows"] if tuple(row[:len(line)]) == line]
        if len(found) != 1 or column not in table["columns"]:
            sys.exit(fail(65, f"{name}.json has {len(found)} rows {line} and the columns {table['columns']}; wanted is one row, and '{column}'"))
        return found[0][table["columns"].index(column)]

    def number(self, name, column, *line):
        return float(str(self.cell(name, column, *line)).split()[0].replace(",", "").rstrip("%"))

    def bench(self, name, measured, key):
        found = [row for row in self.load(name)["rows"] if row["measured"] == measured]
        if len(found) != 1:
            sys.exit(fail(65, f"{name}.json has {len(found)} rows '{measured}', wanted is one"))
        return found[0][key]


def fail(code, text):
    print(f"speed_goals.py: {text}", file=sys.stderr)
    return code


def scan_goals(data):
    """By processor time or by wall time, whichever is less."""
    for machine, name in (("AVX2", "scan"), ("AVX-512", "scan-avx512")):
        for row in data.load(name)["rows"]:
            if row[1] != "-":
                value = min(data.number(name, column, row[0]) for column in ("by processor time", "by wall time"))
                yield f"scan on {machine}: {row[0]}", LEAST, float(row[1].split()[1]), value, name


def encoder_goals(data):
    for row in data.load("encoders")["rows"]:
        if str(row[3]).startswith(">="):
            yield f"encoders: {row[0]}", LEAST, float(row[3].split()[1]), data.number("encoders", "times as fast", row[0]), "encoders"
    column = "processor s"
    yield ("ingest of a million tokens: MiniLM keys over static keys, processor time", LEAST, 8.0,
           data.number("static-keys", column, "minilm, float / static, integer"), "static-keys")
    yield ("the same: all but encoding, percent", MOST, 5.0, data.number("static-keys", "all else", "static, integer"), "static-keys")


def recall_goals(data):
    """What static keys lose against MiniLM's, over all questions of the three sets and over all prefixes."""
    for asked in ("question", "prefix"):
        right, asked_of = {}, 0
        for name in ("static-recall", "static-recall-plain"):
            for needles, _, by, keys, n, first, *_ in data.load(name)["rows"]:
                if by == asked:
                    right[keys] = right.get(keys, 0.0) + n * float(first)
                    asked_of += n if keys.startswith("static") else 0
        lost = max((right["minilm, float"] - right["static, integer"]) / asked_of, 0.0)
        yield f"recall lost by static keys, {asked_of} asked by {asked}", MOST, 0.02, lost, "static-recall"
    for name in ("static-recall", "static-recall-plain"):
        for needles in sorted({row[0] for row in data.load(name)["rows"]}):
            by_keys = {row[3]: float(row[5]) for row in data.load(name)["rows"] if row[0] == needles and row[2] == "question"}
            yield f"the same, questions of {needles}", MOST, 0.02, max(by_keys["minilm, float"] - by_keys["static, integer"], 0.0), name


def query_goals(data):
    for keys in ("fp32", "bf16", "int8"):
        share = data.bench("query", f"1000000 tokens, 31250 keys {keys}, read of 1 key", "share")
        yield f"query at 1,000,000 tokens, {keys} keys: time over bytes / bandwidth", MOST, 1.3, 1 / share, "query"
    yield "query: coordination, us", MOST, 10.0, data.bench("query", "coordination: read of 1 key among 4", "value"), "query"
    sizes = data.load("growth")["sizes"]
    for name, key in (("time of an answer", "answer"), ("memory of the decoder", "decoder_peak")):
        yield f"{name}, {sizes[-1]['tokens']:,} tokens over {sizes[0]['tokens']:,}", MOST, 1.2, sizes[-1][key] / sizes[0][key], "growth"
    bare = data.load("growth")["bare_peak"]
    for size in sizes[1:]:
        yield f"memory of an ingest of {size['tokens']:,} tokens, over that of one sentence, in payloads", MOST, 1.25, (size["peak"] - bare) / size["payload"], "growth"


def other_goals(data):
    yield ("a prompt of 8,192 tokens over an answer of the memory and a prompt of 64, processor time to the first token", LEAST, 50.0,
           data.number("first-token", "processor s", "prompt of 8,192 / (answer and prompt of 64)"), "first-token")
    large = data.load("large-memory")
    yield f"{large['segments']:,} segments on {large['ranks']} ranks: share of right segments first", LEAST, 1.0, large["right"] / large["asked"], "large-memory"
    yield "the same: resident memory over int8 payload", MOST, 1.25, large["peak_share_of_payload"], "large-memory"


def table(data):
    rows = []
    for part in (scan_goals, encoder_goals, recall_goals, query_goals, other_goals):
        for what, how, goal, value, source in part(data):
            reached = value >= goal if how == LEAST else value <= goal
            rows.append([what, f"{how} {goal:g}", f"{value:.3g}", "yes" if reached else "no", f"{source}.json"])
    return {"columns": ["what", "goal", "measured", "reached", "in docs/data"], "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent / "docs" / "data")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    result = json.dumps(table(Data(options.data)), indent=1) + "\n"
    if options.out:
        options.out.write_text(result, encoding="utf-8")
    print(result, end="")


if __name__ == "__main__":
    main()

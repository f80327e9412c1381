#!/usr/bin/env python3
"""Puts measured numbers into docs/results.md, so that none is typed by hand.

    tools/results_to_docs.py [--docs docs/results.md] NAME=FILE.json ...

Replaces what stands between the lines `<!-- begin NAME -->` and `<!-- end NAME -->` by a Markdown table made of FILE:
    {"groups": [...]}                 summary.json of an evaluation: one line for each group, recalls with counts
    {"columns": [...], "rows": [...]} a table as it is
    {"instruction_set": ..., "rows": [{...}]}  what larimar bench --out wrote
    [{...}, {...}]                    flat objects: the columns are the first one's keys
Standard library only. Exit codes: 0 done, 2 usage, 65 bad JSON or markers, 66 missing file.
"""

import argparse
import json
import sys
from pathlib import Path

MEASURES = {
    "retrieval_first": "right segment first",
    "retrieval_any": "right segment cited",
    "wording": "right string in the answer",
    "wording_any": "right string decoded",
}


class Failure(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def cell(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def recall(measure, n):
    if measure is None:  # of a system that does not retrieve
        return "-"
    return f"{measure['recall']:.2f} ({measure['hits']}/{n}, {measure['low']:.2f} to {measure['high']:.2f})"


def summary_table(groups):
    rows = []
    for group in groups:
        needle = f"{group['digits']} digits" if group["digits"] else group["kind"]
        head = [needle, f"{group['context_tokens']:,}", group["key_mode"], group["form"], group["n"]]
        rows.append(head + [recall(group[name], group["n"]) for name in MEASURES])
    return ["needle", "tokens", "key mode", "asked by", "n", *MEASURES.values()], rows


def bench_table(lines):
    rows = [[line["part"], line["measured"], f"{line['value']:.4g} {line['unit']}",
             f"{line['share']:.0%} of {line['limit']}" if line["limit"] else ""] for line in lines]
    return ["part", "measured", "value", "share of the limit"], rows


def columns_and_rows(data):
    if isinstance(data, dict) and "groups" in data:
        return summary_table(data["groups"])
    if isinstance(data, dict) and "instruction_set" in data:
        return bench_table(data["rows"])
    if isinstance(data, dict) and "columns" in data and "rows" in data:
        return data["columns"], data["rows"]
    if isinstance(data, list) and data and all(isinstance(entry, dict) for entry in data):
        columns = list(data[0])
        return columns, [[entry[column] for column in columns] for entry in data]
    raise KeyError("groups, columns and rows, or a list of objects")


def make_table(file):
    try:
        data = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(66, f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise Failure(65, f"{file} is not JSON: {error}") from error
    try:
        columns, rows = columns_and_rows(data)
    except (KeyError, TypeError) as error:
        raise Failure(65, f"{file} has not the form of a table: {error} is missing") from error
    for number, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise Failure(65, f"{file}, row {number}: {len(row)} cells for {len(columns)} columns")
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(cell(value) for value in line) + " |\n" for line in lines)


def replace_block(text, name, table, docs):
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise Failure(65, f"{docs} needs the lines '{begin.strip()}' and '{end}' once each, in this order")
    head, rest = text.split(begin)
    return head + begin + table + end + rest.split(end)[1]


def update(docs, assignments):
    try:
        text = Path(docs).read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(66, f"cannot read {docs}: {error.strerror}") from error
    for assignment in assignments:
        name, equals, file = assignment.partition("=")
        if not (name and equals and file):
            raise Failure(2, f"'{assignment}' is not NAME=FILE")
        text = replace_block(text, name, make_table(file), docs)
    Path(docs).write_text(text, encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Puts tables made of JSON files into a Markdown page.")
    parser.add_argument("--docs", default="docs/results.md", help="the page (default: docs/results.md)")
    parser.add_argument("assignments", nargs="+", metavar="NAME=FILE", help="block name and JSON file")
    options = parser.parse_args(arguments)
    try:
        update(options.docs, options.assignments)
    except Failure as failure:
        print(f"results_to_docs: {failure}", file=sys.stderr)
        return failure.code
    return 0


if __name__ == "__main__":
    sys.exit(main())

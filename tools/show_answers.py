#!/usr/bin/env python3
"""Print the answers of a run as a table with citations, and the recall where the queries say what is expected.

usage: show_answers.py --queries QUERIES.jsonl --answers ANSWERS.jsonl [--width 120]
A query with a field `expect` counts as found if that text stands in its answer; it is cited well if it stands in the
excerpt of the first citation. Exit code 0 if both files could be read, 65 if a line is damaged, 66 if a file is missing.
"""
import argparse
import json
import pathlib
import shutil
import sys
import textwrap


def read_lines(path: pathlib.Path) -> list[dict]:
    records = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        sys.exit(fail(66, f"cannot read {path}: {error.strerror}"))
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            record["id"] = str(record["id"])
        except (ValueError, KeyError, TypeError):
            sys.exit(fail(65, f"{path}:{number}: not a JSON object with an id"))
        records.append(record)
    return records


def fail(code: int, sentence: str) -> int:
    print(f"show_answers.py: error: {sentence}", file=sys.stderr)
    return code


def plain(text) -> str:
    return " ".join(str(text or "").split())


def place(citation: dict) -> str:
    return f"{pathlib.PurePath(str(citation.get('document', '?'))).name}:{citation.get('line', '?')}"


def verdicts(query: dict, answer: dict | None) -> tuple[bool, bool]:
    """(found, cited) for a query that expects something."""
    if answer is None:
        return False, False
    expected, citations = plain(query["expect"]), answer.get("citations") or []
    return expected in plain(answer.get("answer")), bool(citations) and expected in plain(citations[0].get("excerpt"))


def table_row(query: dict, answer: dict | None) -> list[str]:
    kind = "prefix" if "prefix" in query else "question"
    if answer is None:
        return [plain(query.get(kind)), "(none: the run left this query out)", "", "NO" if "expect" in query else "", ""]
    citations = answer.get("citations") or []
    score = answer.get("score")
    found = ("yes" if verdicts(query, answer)[0] else "NO") if "expect" in query else ""
    return [plain(query.get(kind)), plain(answer.get("answer")), f"{score:.2f}" if isinstance(score, (int, float)) else "",
            found, place(citations[0]) if citations else "(no citation)"]


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def print_table(rows: list[list[str]], width: int) -> None:
    """The first two columns share what the others leave of the width."""
    heading = ["asked", "answer", "score", "found", "source"]
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]
    rest = max(width - sum(widths[2:]) - 2 * (len(heading) - 1), 40)
    widths[0] = min(widths[0], rest // 2)
    widths[1] = min(widths[1], rest - widths[0])
    rule = ["-" * wide for wide in widths]
    for row in [heading, rule, *rows]:
        print("  ".join(cut(cell, wide).ljust(wide) for cell, wide in zip(row, widths)).rstrip())


def print_whole(query: dict, answer: dict | None, width: int) -> None:
    """A query of the user's own: nothing is known about what to expect, so everything is shown."""
    rows = [("asked", plain(query.get("prefix", query.get("question"))))]
    if answer is None:
        rows.append(("answer", "(none: the run left this query out)"))
    else:
        scope = "" if answer.get("in_scope", True) else " (out of scope: nothing in the text is close)"
        rows.append(("answer", plain(answer.get("answer")) + scope))
        rows += [("source", f"{place(citation)}  {plain(citation.get('excerpt'))}") for citation in answer.get("citations") or []]
    for label, text in rows:
        print(textwrap.fill(text or "(empty)", width, initial_indent=f"{label:<8}", subsequent_indent=" " * 8))


def print_recall(expecting: list[dict], answers: dict[str, dict]) -> None:
    for kind in ("prefix", "question"):
        asked = [verdicts(query, answers.get(query["id"])) for query in expecting if kind in query]
        if asked:
            found, cited = (sum(column) for column in zip(*asked))
            print(f"recall by {kind}: {found} of {len(asked)} answers right, {cited} of {len(asked)} first citations right")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=pathlib.Path, required=True)
    parser.add_argument("--answers", type=pathlib.Path, required=True)
    parser.add_argument("--width", type=int, default=shutil.get_terminal_size((120, 24)).columns)
    options = parser.parse_args()
    queries = read_lines(options.queries)
    answers = {answer["id"]: answer for answer in read_lines(options.answers)}
    expecting = [query for query in queries if "expect" in query]
    if expecting:
        print_table([table_row(query, answers.get(query["id"])) for query in expecting], options.width)
        print_recall(expecting, answers)
    for query in queries:
        if "expect" not in query:
            print()
            print_whole(query, answers.get(query["id"]), max(options.width, 40))
    return 0


if __name__ == "__main__":
    sys.exit(main())

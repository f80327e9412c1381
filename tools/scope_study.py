#!/usr/bin/env python3
"""Where the border of scope lies: what a calibrated threshold lets in and keeps out.

    tools/scope_study.py LARIMAR DATA OUT > OUT/scope.json

Makes a memory of DATA/haystack and of the everyday needles, calibrates on the first half of the texts of DATA/valid (which
the memory has not seen), and asks: beginnings of the memory's own sentences, the needles by beginning and by question, and
sentences of the second half of DATA/valid. Prints a table as tools/results_to_docs.py takes it. Uses `zstd`.
Standard library only. Exit codes: 0 done, 2 usage; a failing command's own otherwise.
"""
import json
import math
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
QUERIES = 200


def wilson(hits, n):
    z, share = 1.959964, hits / n
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def sentences(text):
    found = re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", text))
    return [sentence for sentence in found if 40 <= len(sentence) <= 300]


def evenly(items, count):
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def unseen_halves(folder):
    halves = ["", ""]
    for path in sorted(folder.glob("*.zst")):
        text = subprocess.run(["zstd", "-dcq", str(path)], check=True, stdout=subprocess.PIPE).stdout.decode("utf-8", "replace")
        halves[0] += text[: len(text) // 2] + "\n\n"
        halves[1] += text[len(text) // 2 :] + "\n\n"
    return halves


def needles():
    for name in ("everyday.jsonl", "everyday_unseen.jsonl"):
        for line in (HERE.parent / "eval" / "needles" / name).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def make_queries(haystack, other):
    own = evenly(sentences("\n".join(p.read_text(encoding="utf-8", errors="replace") for p in sorted(haystack.glob("*.txt")))), QUERIES)
    for sentence in own:
        yield "beginning of a sentence of the memory", {"prefix": " ".join(sentence.split()[:8])}
    for needle in needles():
        yield "everyday fact of the memory, by its beginning", {"prefix": needle["prefix"]}
        yield "everyday fact of the memory, by a question", {"question": needle["question"]}
    for sentence in evenly(sentences(other), QUERIES):
        yield "sentence that the memory has not seen", {"prefix": sentence}


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    larimar, data, out = arguments[0], pathlib.Path(arguments[1]), pathlib.Path(arguments[2])
    out.mkdir(parents=True, exist_ok=True)
    first, second = unseen_halves(data / "valid")
    (out / "calibrate.txt").write_text(first, encoding="utf-8")
    (out / "facts.txt").write_text("\n\n".join(n["needle"] for n in needles()) + "\n", encoding="utf-8")
    queries = list(make_queries(data / "haystack", second))
    with open(out / "queries.jsonl", "w", encoding="utf-8") as file:
        for number, (_, query) in enumerate(queries):
            file.write(json.dumps({"id": f"q{number}", **query}) + "\n")
    commands = [["ingest", "--context", str(data / "haystack")], ["append", "--context", str(out / "facts.txt")],
                ["ask", "--queries", str(out / "queries.jsonl"), "--calibrate", str(out / "calibrate.txt"), "--reads", "1", "--out", str(out / "answers")]]
    if (out / "memory").exists():
        del commands[0]
    for command in commands:
        subprocess.run([larimar, command[0], "--memory", str(out / "memory"), *command[1:]], check=True, stdout=subprocess.DEVNULL)
    threshold = json.loads((out / "answers" / "run.json").read_text(encoding="utf-8"))["config"]["scope"]
    kinds = {}
    for (kind, _), line in zip(queries, (out / "answers" / "answers.jsonl").read_text(encoding="utf-8").splitlines()):
        kinds.setdefault(kind, []).append(json.loads(line)["score"])
    rows = []
    for kind, scores in kinds.items():
        for name, limit in (("calibrated", threshold), ("default", 0.3)):
            hits = sum(score >= limit for score in scores)
            low, high = wilson(hits, len(scores))
            rows.append([kind, f"{name}, {limit:.3f}", len(scores), f"{hits / len(scores):.3f} ({hits})", f"{low:.3f} to {high:.3f}"])
    json.dump({"columns": ["asked", "threshold", "n", "in scope", "95 % interval"], "rows": rows}, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

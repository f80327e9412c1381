#!/usr/bin/env python3
"""Recall and answers out of codes, by larimar-compact's decoder and by a language model that reads codes, over the same memory.

    code_readers.py --program build/release/larimar --haystack DATA/haystack --work DIR --out FILE.json [--decoder larimar-smol] [--tokens 8000]

Runs `larimar eval` on pass keys and on the needles of eval/needles for each way to decode, in one process each, and puts the shares with Wilson's 95 % interval
beside each other. What is complete in DIR is kept. Standard library only. Exit codes: 0 done, 1 a run failed.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

NEEDLES = ("everyday_plain", "everyday", "everyday_unseen")
# Name, options, whether an answer is worded by a language model.
WAYS = (("larimar-compact", [], False), ("{decoder}", ["--decoder-model", "{decoder}"], False),
        ("larimar-compact, worded by SmolLM2 (`--reader smollm2`)", ["--reader", "smollm2"], True),
        ("{decoder}, worded out of codes (`--reader codes`)", ["--decoder-model", "{decoder}", "--reader", "codes"], True))


def run(options, task, way, folder):
    """Groups of the summary, and seconds; from the folder if they are there."""
    kept = folder / "code_readers.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    arguments = [word.format(decoder=options.decoder) for word in way]
    command = [options.program, "eval", *task, "--haystack", options.haystack, "--lengths", str(options.tokens), "--key-modes", "segment", "--quiet", "--out", folder,
               "--threads", str(options.threads), *arguments]
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (folder / "log").open("a", encoding="utf-8") as log:
        if subprocess.run(command, stdout=log, stderr=log, check=False).returncode != 0:
            print(f"code_readers.py: {' '.join(map(str, command))} failed; see {folder / 'log'}", file=sys.stderr)
            sys.exit(1)
    result = {"groups": json.loads((folder / "summary.json").read_text(encoding="utf-8"))["groups"], "seconds": time.monotonic() - started}
    kept.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return result


def cell(measure, n):
    return f"{measure['recall']:.2f} ({measure['hits']} of {n}, {measure['low']:.2f} to {measure['high']:.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--haystack", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--decoder", default="larimar-smol")
    parser.add_argument("--tokens", type=int, default=8000, help="of the haystack")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    tasks = [("passkey", ["passkey", "--digits", "3,5,7", "--seeds", "4", "--forms", "prefix,question"], False)]
    tasks += [(name, ["needles", "--needles", root / "eval" / "needles" / f"{name}.jsonl", "--forms", "question", "--reads", "2"], True) for name in NEEDLES]
    rows, runs = [], []
    for kind, task, is_question in tasks:
        for number, (name, way, is_worded) in enumerate(WAYS):
            if is_worded != is_question:  # what is decoded for a question does not depend on who words the answer
                continue
            result = run(options, task, way, options.work / f"{kind}-{number}")
            runs.append({"task": kind, "way": name.format(decoder=options.decoder), **result})
            for group in result["groups"]:
                what = f"{group['digits']} digits" if group["digits"] else group["kind"]
                rows.append([what, group["form"], name.format(decoder=options.decoder), *(cell(group[field], group["n"]) for field in
                                                                                         ("retrieval_first", "wording_any", "wording"))])
            print(f"{kind}, {name.format(decoder=options.decoder)}: {result['seconds']:.0f} s", flush=True)
    rows.sort(key=lambda row: (row[0], row[1]))
    options.out.write_text(json.dumps({"runs": runs, "columns": ["hidden", "asked by", "decoded by", "right segment first", "right string decoded", "right string in the answer"],
                                       "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

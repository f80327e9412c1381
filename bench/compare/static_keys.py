#!/usr/bin/env python3
"""Static keys beside MiniLM's: time of an ingest, and recall of hidden sentences.

    static_keys.py ingest --program LARIMAR --text PATH... [--tokens N] [--scratch DIR] > docs/data/static-keys.json
    static_keys.py recall --program LARIMAR --haystack DIR --needles FILE... [--scratch DIR] > docs/data/static-recall.json

ingest: the texts (*.txt, *.txt.zst) are cut to about N tokens and ingested by one rank with one thread, by --keys static and minilm in
integers and in floats one after the other (--twice: and once more in the reverse order). Counts are processor seconds (user and system) of the process; wall time of a shared
machine is given beside them. recall: `larimar eval needles` with static keys in integers and minilm in floats. Standard library and zstd.
Exit codes: 0 done, 1 a run failed, 2 usage, 66 no text.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

BYTES_PER_TOKEN = 4.2  # of the model's tokenizer, on prose; the tokens that were ingested are reported
# --keys and --arithmetic
INGESTS = (("static", "integer"), ("static", "float"), ("minilm", "integer"), ("minilm", "float"))
RECALLS = (("static", "integer"), ("minilm", "float"))


def text_of(path, most):
    if path.suffix != ".zst":
        with open(path, "rb") as file:
            return file.read(most)
    unpacked = subprocess.Popen(["zstd", "-dc", str(path)], stdout=subprocess.PIPE)
    data = unpacked.stdout.read(most)
    unpacked.stdout.close()
    unpacked.wait()
    return data


def write_context(paths, size, target):
    """About `size` bytes in equal shares of the files, each cut at a line end."""
    files = [file for path in paths for file in (sorted(path.glob("*.txt*")) if path.is_dir() else [path])]
    if not files:
        sys.exit(66)
    with open(target, "wb") as out:
        for at, file in enumerate(files):
            share = (size - out.tell()) // (len(files) - at)
            data = text_of(file, share)
            out.write(data[:data.rfind(b"\n") + 1])


def timed(command):
    """Processor and wall seconds of a command that must succeed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(f"static_keys.py: {' '.join(map(str, command))} ended with {process.returncode}", file=sys.stderr)
        sys.exit(1)
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started


def ingest(options, scratch):
    context = scratch / "context.txt"
    write_context(options.text, int(options.tokens * BYTES_PER_TOKEN), context)
    rows, processor = [], {}
    for turn, (keys, arithmetic) in enumerate(INGESTS + INGESTS[::-1] if options.twice else INGESTS):
        memory, out = scratch / f"memory{turn}", scratch / f"out{turn}"
        cpu, wall = timed([options.program, "ingest", "--memory", memory, "--context", context, "--out", out, "--keys", keys,
                           "--arithmetic", arithmetic, "--quiet"])
        report = json.loads((out / "run.json").read_text(encoding="utf-8"))
        rate, tokens = report["ingest"]["tokens_per_second"], report["context"]["tokens"]
        parts = {step: tokens / rate[f"{step}_per_shard"] for step in ("segmenting", "codes", "keys")}
        whole = report["phases"]["ingest"]
        rest = max(whole - sum(parts.values()), 0.0) + parts["segmenting"]
        processor.setdefault((keys, arithmetic), []).append(cpu)
        rows.append([f"{keys}, {arithmetic}", f"{tokens:,}", f"{cpu:.1f}", f"{wall:.1f}", *(f"{parts[step] / whole:.1%}" for step in ("codes", "keys")),
                     f"{rest / whole:.1%}"])
        shutil.rmtree(memory)
    usual = sum(processor["minilm", "float"])
    rows += [[f"minilm, float / {keys}, {arithmetic}", "", f"{usual / sum(processor[keys, arithmetic]):.2f} times", "", "", "", ""]
             for keys, arithmetic in INGESTS[:-1]]
    return {"columns": ["keys", "tokens", "processor s", "wall s", "codes: share of the ingest", "keys", "all else"], "rows": rows}


def recall(options, scratch):
    rows = []
    for needles in options.needles:
        for keys, arithmetic in RECALLS:
            out = scratch / f"{needles.stem}-{keys}"
            timed([options.program, "eval", "needles", "--needles", needles, "--haystack", options.haystack, "--key-modes", "segment",
                   "--forms", "prefix,question", "--keys", keys, "--arithmetic", arithmetic, "--out", out])
            job = json.loads((out / "first_job.json").read_text(encoding="utf-8"))
            asking = sum(job["seconds"].get(step, 0.0) for step in ("read_keys", "read", "decode", "ranking")) / job["queries"]
            for group in json.loads((out / "summary.json").read_text(encoding="utf-8"))["groups"]:
                rows.append([needles.stem, f"{group['context_tokens']:,}", group["form"], f"{keys}, {arithmetic}", group["n"],
                             *(f"{group[name]['recall']:.3f}" for name in ("retrieval_first", "retrieval_any", "wording")),
                             f"{asking:.2f}"])
    columns = ["needles", "tokens", "asked by", "keys", "n", "right segment first", "right segment cited", "right string in the answer",
               "wall s an answer"]
    return {"columns": columns, "rows": sorted(rows, key=lambda row: row[:3])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("ingest")
    one.add_argument("--text", nargs="+", type=pathlib.Path, required=True)
    one.add_argument("--tokens", type=int, default=1_000_000)
    one.add_argument("--twice", action="store_true", help="each kind twice, the second time in the reverse order")
    two = commands.add_parser("recall")
    two.add_argument("--haystack", type=pathlib.Path, required=True)
    two.add_argument("--needles", nargs="+", type=pathlib.Path, required=True)
    for command in (one, two):
        command.add_argument("--program", type=pathlib.Path, required=True)
        command.add_argument("--scratch", type=pathlib.Path, help="folder for memories and results (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="static-keys-") as temporary:
        scratch = options.scratch or pathlib.Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        print(json.dumps((ingest if options.command == "ingest" else recall)(options, scratch), indent=1))


if __name__ == "__main__":
    main()

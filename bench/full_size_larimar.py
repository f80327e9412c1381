#!/usr/bin/env python3
"""Converts and runs Larimar checkpoints of full size with random weights: seconds and memory, not answers.

usage: full_size_larimar.py OUT.json --larimar build/release/larimar --python PYTHON --bert FOLDER --gpt2 FOLDER [--sizes base large]
PYTHON has torch and transformers (make_random_larimar.py); FOLDERs hold a BERT tokenizer and a GPT-2 one with three added tokens.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CONTEXT = "The lighthouse at Cape Morrow was painted green in 1912. Ida keeps seven grey pigeons on the roof of the bakery.\n" * 20
RANKS = 4


def timed(command):
    begin = time.monotonic()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                          env=dict(os.environ, OMP_NUM_THREADS="1"))
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return time.monotonic() - begin, done.stdout


def measure(size, options, scratch):
    vocabulary = json.loads((options.bert / "config.json").read_text())["vocab_size"]
    checkpoint, model, out = scratch / "model.ckpt", scratch / "model", scratch / "out"
    _, said = timed([options.python, HERE / "make_random_larimar.py", size, checkpoint, vocabulary])
    convert_s, _ = timed([options.larimar, "convert", checkpoint, model, "--encoder-tokenizer", options.bert, "--decoder-tokenizer",
                          options.gpt2])
    checkpoint.unlink()
    (scratch / "context.txt").write_text(CONTEXT)
    run_s, _ = timed(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", RANKS, options.larimar, "run", "--context",
                      scratch / "context.txt", "--query", "Who keeps pigeons?", "--out", out, "--model", model, "--m0", "model",
                      "--addressing", "dense", "--reads", 1, "--quiet"])
    peaks = {}
    for rank in json.loads((out / "run.json").read_text())["ranks"]:
        for role in rank["roles"]:
            peaks[role] = max(peaks.get(role, 0), rank["peak_memory_bytes"] / 2**20)
    return {"size": size, "parameters_billion": float(said.split()[0]), "convert_s": convert_s, "ranks": RANKS, "run_s": run_s,
            "peak_mib": peaks}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    for name in ("larimar", "python", "bert", "gpt2"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--sizes", nargs="*", default=["base", "large"])
    options = parser.parse_args()
    rows = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(size, options, pathlib.Path(folder)))
        print(rows[-1], flush=True)
    options.out.write_text(json.dumps({"made_by": "bench/full_size_larimar.py", "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

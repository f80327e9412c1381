#!/usr/bin/env python3
"""The dense memory beside a plain NumPy and a plain torch form of the reference's algebra, in one run, one thread.

    reference_memory.py --bench build/release/bench/bench_memory_ratio [--rounds 9] [--out FILE.json]

Reference form (arXiv 2403.11901, equations 3 and 4, with pseudo-inverses by 15 steps of X <- 2 X - X A X from 5e-4 A'): a write is
M = pinv(Z pinv(M0)) Z, a read is q pinv(M) M; every call computes its pseudo-inverses, as the published code does. K = 512 slots, C = 768 floats,
2,048 segments. Each round runs NumPy, torch and this project's write and read in turn; processor time, medians of the rounds' ratios.
Needs numpy and torch. Exit codes: 0 done, 1 a program failed.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
import numpy  # noqa: E402  after the number of threads
import torch  # noqa: E402

SLOTS, LATENT, SEGMENTS, STEPS = 512, 768, 2048, 15


def inverse(a, steps=STEPS):
    x = 5e-4 * a.T
    for _ in range(steps):
        x = 2 * x - x @ (a @ x) if a.shape[0] <= a.shape[1] else 2 * x - (x @ a) @ x
    return x


def write(codes, key_memory):
    return inverse(codes @ inverse(key_memory)) @ codes


def read(key, memory):
    return (key @ inverse(memory)) @ memory


def processor_ms(work):
    started = time.process_time()
    work()
    return 1e3 * (time.process_time() - started)


def ours(options):
    """Milliseconds of a write and of a read with everything that can be kept kept."""
    done = subprocess.run([options.bench, "--repeat", "3"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(1)
    found = json.loads(done.stdout)
    large = next(row for row in found["write"] if row["segments"] == SEGMENTS)
    return {"write": 1e3 * large["ours_s"], "read": 1e3 * found["read_fixed_memory"]["ours_s"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = numpy.random.default_rng(1)
    key_memory, codes = (source.standard_normal((rows, LATENT), dtype=numpy.float32) for rows in (SLOTS, SEGMENTS))
    key = source.standard_normal((1, LATENT), dtype=numpy.float32)
    kinds = {"NumPy": (key_memory, codes, key), "torch": tuple(torch.from_numpy(array) for array in (key_memory, codes, key))}
    memories = {name: write(arrays[1], arrays[0]) for name, arrays in kinds.items()}
    times, ratios = {}, {}
    for _ in range(options.rounds):
        mine = ours(options)
        for step, value in mine.items():
            times.setdefault(("larimar", step), []).append(value)
        for name, (m0, z, q) in kinds.items():
            for step, work in (("write", lambda m0=m0, z=z: write(z, m0)), ("read", lambda q=q, m=memories[name]: read(q, m))):
                value = processor_ms(work)
                times.setdefault((name, step), []).append(value)
                ratios.setdefault((name, step), []).append(value / mine[step])
    rows = [[name, step, f"{statistics.median(values):.3g}",
             f"{statistics.median(ratios[name, step]):,.1f}" if (name, step) in ratios else ""] for (name, step), values in times.items()]
    text = json.dumps({"columns": ["program", "step", "ms", "over larimar"], "rows": rows}, indent=1) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

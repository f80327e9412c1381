#!/usr/bin/env python3
"""What durability costs an ingest, and how soon a memory of 1,000,000 tokens gives its first answer.

usage: memory_speed.py PROGRAM MPIRUN SOURCE_DIR    LARIMAR_SPEED_REPEATS: starts of each kind (5), of which the fastest counts,
since other work on the machine only ever adds time. One JSON line for each measurement on standard output.

Durability off is the same program with a preloaded fsync that does nothing, built here with cc; `run` is the ingest that writes
nothing. The large memory: 35,000 random codes of 768 with keys of 384 components, about 28 tokens each.
"""
import array
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "fault"))
import faults  # noqa: E402  the path comes first
from faults import harness  # noqa: E402
import texts  # noqa: E402

SEGMENTS, CODE, KEY = 35_000, 768, 384
REPEATS = int(os.environ.get("LARIMAR_SPEED_REPEATS", "5"))
NO_SYNC = "int fsync(int f) { return f < 0; }\nint fdatasync(int f) { return f < 0; }\n"


def random_floats(source: random.Random, count: int) -> bytes:
    """Finite ones of either sign between 0.5 and 1: random bytes with the exponent set, all in one long number."""
    low, high = (int.from_bytes(word.to_bytes(4, "little") * count, "little") for word in (0x807FFFFF, 0x3F000000))
    return (int.from_bytes(source.randbytes(4 * count), "little") & low | high).to_bytes(4 * count, "little")


def large_codes(path: pathlib.Path, rows: int) -> pathlib.Path:
    source = random.Random(1)
    return faults.write_safetensors(path, {"ids": ("I64", [rows], array.array("q", range(rows)).tobytes()),
                                           "keys": ("F32", [rows, KEY], random_floats(source, rows * KEY)),
                                           "z": ("F32", [rows, CODE], random_floats(source, rows * CODE))})


def no_sync_library(folder: pathlib.Path) -> dict[str, str]:
    (folder / "no_sync.c").write_text(NO_SYNC, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(folder / "no_sync.so"), str(folder / "no_sync.c")], check=True)
    return {"LD_PRELOAD": str(folder / "no_sync.so")}


def timed(arguments: list, environment: dict | None = None, ranks: int = 0) -> tuple[float, str]:
    started = time.monotonic()
    result = harness.Run(arguments, ranks, environment).wait(600)
    if result.code != 0:
        sys.exit(f"memory_speed.py: {arguments[0]} ended with {result.code}: {result.err}")
    return time.monotonic() - started, result.out


def fastest(kinds: dict) -> dict[str, float]:
    """Seconds of each kind; they take turns, so that a busy minute hits all of them."""
    times = {name: [] for name in kinds}
    for _ in range(REPEATS):
        for name, measure in kinds.items():
            times[name].append(measure())
    return {name: min(values) for name, values in times.items()}


def text_durability(folder: pathlib.Path, no_sync: dict[str, str]) -> dict:
    context = folder / "context"
    context.mkdir()
    size = 0
    for part in range(12):
        size += (context / f"part{part:02d}.txt").write_text(texts.story(80, part), encoding="utf-8")
    common = ["--context", context, "--keys", "model", "--quiet"]

    def run() -> float:
        timed(["run", *common, "--query", "x", "--out", folder / "out"])
        report = json.loads((folder / "out" / "run.json").read_text(encoding="utf-8"))
        phases = report["phases"]
        return float(phases["ingest"] if isinstance(phases, dict) else next(p["seconds"] for p in phases if p["name"] == "ingest"))

    def ingest(environment: dict) -> float:
        shutil.rmtree(folder / "memory", ignore_errors=True)
        _, out = timed(["ingest", "--memory", folder / "memory", *common], environment)
        return float(re.search(r"tokens in ([0-9.]+) s", out)[1])  # with the commit at the end

    best = fastest({"run": run, "synced": lambda: ingest({}), "unsynced": lambda: ingest(no_sync)})
    return {"check": "durability_text", "bytes": size, **seconds(best), **costs(best, "run"), **costs(best, "unsynced")}


def seconds(best: dict[str, float]) -> dict[str, float]:
    return {f"{name}_s": round(value, 3) for name, value in best.items()}


def costs(best: dict[str, float], against: str) -> dict[str, float]:
    return {f"percent_over_{against}": round(100 * (best["synced"] / best[against] - 1), 1)}


def codes_durability(folder: pathlib.Path, codes: pathlib.Path, no_sync: dict[str, str]) -> dict:
    def ingest(environment: dict) -> float:
        shutil.rmtree(folder / "memory", ignore_errors=True)
        return timed(["ingest", "--memory", folder / "memory", "--codes", codes], environment)[0]

    best = fastest({"synced": lambda: ingest({}), "unsynced": lambda: ingest(no_sync)})
    return {"check": "durability_codes", "codes": SEGMENTS, "bytes": codes.stat().st_size, **seconds(best),
            **costs(best, "unsynced")}


def first_answer(folder: pathlib.Path) -> dict:
    """Of the memory that codes_durability() left, in the page cache."""
    source = random.Random(2)
    keys = faults.write_safetensors(folder / "keys.safetensors", {"keys": ("F32", [1, KEY], random_floats(source, KEY))})
    ask = ["ask", "--memory", folder / "memory", "--keys", keys, "--out", folder / "found.safetensors"]
    best = fastest({"one_rank": lambda: timed(ask)[0], "two_ranks": lambda: timed(ask, ranks=2)[0],
                    "start_alone": lambda: timed(["info", "--failpoints"])[0]})
    return {"check": "first_answer", "segments": SEGMENTS, **seconds(best)}


def main() -> None:
    faults.configure()
    with tempfile.TemporaryDirectory(prefix="larimar-speed-") as name:
        folder = pathlib.Path(name)
        no_sync = no_sync_library(folder)
        faults.print_counts(text_durability(folder, no_sync))
        codes = large_codes(folder / "codes.safetensors", SEGMENTS)
        faults.print_counts(codes_durability(folder, codes, no_sync))
        faults.print_counts(first_answer(folder))


if __name__ == "__main__":
    main()

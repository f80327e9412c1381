#!/usr/bin/env python3
"""How much memory ranks hold while they answer from a large memory folder with int8 keys, and whether the answers are exact.

usage: large_memory.py PROGRAM MPIRUN [--segments 3100000] [--code 768] [--key 768] [--ranks 2] [--work FOLDER] [--out FILE]

Segments are random codes and unit keys, written by `larimar ingest --codes` and `append` in parts, so that only one part lies on disk
twice. 3,100,000 segments (100 million tokens at 32 a segment) take 19 GB with codes and keys of 768. Then 64 keys are asked, each a
stored key with a little noise, so the right segment is known. What counts is the most resident memory of all ranks at any moment, pages of mapped files included, less that of
the same ranks with one segment, against the int8 payload: segments * key size bytes. Needs numpy.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

PART = 100_000  # segments of one file
ASKED = 64


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, (kind, array) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in tensors.values():
            file.write(array.tobytes())


def read_tensor(path, name):
    data = pathlib.Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8 : 8 + size])[name]
    begin, end = (8 + size + at for at in entry["data_offsets"])
    return np.frombuffer(data[begin:end], {"F32": np.float32, "I64": np.int64}[entry["dtype"]]).reshape(entry["shape"])


def unit_rows(source, rows, width):
    keys = source.standard_normal((rows, width), dtype=np.float32)
    return keys / np.linalg.norm(keys, axis=1, keepdims=True)


def part_of(options, number):
    """Ids, codes and keys of one part; the same whenever it is asked for."""
    first = number * PART
    count = min(PART, options.segments - first)
    source = np.random.default_rng(number)
    return (np.arange(first, first + count, dtype=np.int64), source.standard_normal((count, options.code), dtype=np.float32),
            unit_rows(source, count, options.key))


def command(options, *arguments):
    started = [options.mpirun, "--oversubscribe", "--bind-to", "none", "-n", str(options.ranks)] if options.ranks > 1 else []
    return [*started, options.program, *map(str, arguments)]


def run(options, *arguments):
    subprocess.run(command(options, *arguments), check=True, timeout=3600, stdout=subprocess.DEVNULL)


def resident(pid):
    """KiB: all, and without pages of files."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return {name: int(fields[name].split()[0]) for name in ("VmHWM", "RssAnon")}


def ranks_below(pid, program):
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        try:
            if os.path.realpath(f"/proc/{one}/exe") == os.path.realpath(program):
                found.append(one)
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def ask(options, memory, keys, out):
    """Seconds, and the sums over ranks of the most memory seen: in all, and without pages of files."""
    started, most = time.monotonic(), {}
    process = subprocess.Popen(command(options, "ask", "--memory", memory, "--keys", keys, "--out", out, "--key-store", "int8"),
                               stdout=subprocess.DEVNULL)
    while process.poll() is None:
        for pid in ranks_below(process.pid, options.program):
            try:
                now = resident(pid)
            except (OSError, KeyError):
                continue
            kept = most.setdefault(pid, now)
            most[pid] = {name: max(kept[name], now[name]) for name in now}
        time.sleep(0.01)
    if process.returncode != 0:
        sys.exit(f"large_memory.py: ask ended with {process.returncode}")
    return {"seconds": time.monotonic() - started,
            **{name: sum(entry[name] for entry in most.values()) * 1024 for name in ("VmHWM", "RssAnon")}}


def fill(options, folder, memory):
    file = folder / "part.safetensors"
    for number in range((options.segments + PART - 1) // PART):
        ids, codes, keys = part_of(options, number)
        write_safetensors(file, {"ids": ("I64", ids), "z": ("F32", codes), "keys": ("F32", keys)})
        run(options, "append" if number else "ingest", "--memory", memory, "--codes", file)
        print(f"{ids[-1] + 1} of {options.segments}", file=sys.stderr)
    file.unlink()


def questions_of(options):
    """Noisy copies of stored keys, and their ids."""
    wanted, keys = [], []
    source = np.random.default_rng(10**6)
    parts = max(1, options.segments // PART)
    for number in sorted({i * parts // 8 for i in range(8)}):
        ids, _, rows = part_of(options, number)
        for place in source.integers(0, len(ids), ASKED // 8):
            wanted.append(int(ids[place]))
            keys.append(rows[place] + 0.5 * unit_rows(source, 1, options.key)[0])
    keys = np.array(keys, np.float32)
    return wanted, keys / np.linalg.norm(keys, axis=1, keepdims=True)


def measure(options, folder):
    wanted, keys = questions_of(options)
    write_safetensors(folder / "keys.safetensors", {"keys": ("F32", keys)})
    few = argparse.Namespace(**{**vars(options), "segments": 1})
    fill(few, folder, folder / "small")
    fill(options, folder, folder / "memory")
    bare = ask(options, folder / "small", folder / "keys.safetensors", folder / "small.safetensors")
    full = ask(options, folder / "memory", folder / "keys.safetensors", folder / "found.safetensors")
    found = read_tensor(folder / "found.safetensors", "id").tolist()
    payload = options.segments * options.key
    return {"segments": options.segments, "key": options.key, "code": options.code, "ranks": options.ranks,
            "right": sum(a == b for a, b in zip(found, wanted, strict=True)), "asked": len(wanted), "payload_bytes": payload,
            "peak_share_of_payload": (full["VmHWM"] - bare["VmHWM"]) / payload,
            "anonymous_share_of_payload": (full["RssAnon"] - bare["RssAnon"]) / payload, "bare": bare, "full": full}


def table(result):
    """What tools/results_to_docs.py puts into a page."""
    gib = 1 << 30
    rows = [["segments; ranks", f"{result['segments']:,}; {result['ranks']}", ""],
            ["right segment first", f"{result['right']} of {result['asked']}", "all"],
            ["int8 payload, GiB", f"{result['payload_bytes'] / gib:.2f}", ""],
            ["most resident memory of all ranks, GiB", f"{result['full']['VmHWM'] / gib:.2f}", ""],
            ["the same with one segment", f"{result['bare']['VmHWM'] / gib:.2f}", ""],
            ["difference over payload", f"{result['peak_share_of_payload']:.3f}", "<= 1.25"],
            ["of it no mapped file", f"{result['anonymous_share_of_payload']:.3f}", ""]]
    return {"columns": ["what", "measured", "goal"], "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("mpirun")
    for name, usual in (("segments", 3_100_000), ("code", 768), ("key", 768), ("ranks", 2)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--work", help="folder for the memory (default: a temporary one)")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="larimar-large-", dir=options.work) as name:
        result = measure(options, pathlib.Path(name))
    text = json.dumps({**result, **table(result)}, indent=1)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if result["right"] == result["asked"] else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What an ingest loses by waiting for the disk: the same ingest into a folder on disk and into one in memory, in turns.

    disk_wait.py --program build/release/larimar --text PATH... --disk DIR [--memory /dev/shm] [--tokens 500000] [--rounds 5] [--out FILE.json]

One rank, --keys static --arithmetic integer, whose encoding leaves the least time to write in. Wall time; the median of the rounds' ratios counts. Standard
library and zstd. Exit codes: 0 done, 1 an ingest failed, 66 no text.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "compare"))
import static_keys  # noqa: E402  the path comes first


def ingest(program, context, folder):
    """Seconds, and bytes of the logs."""
    memory = folder / "memory"
    command = [program, "ingest", "--memory", memory, "--context", context, "--keys", "static", "--arithmetic", "integer", "--quiet"]
    begin = time.monotonic()
    finished = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, check=False).returncode == 0
    seconds = time.monotonic() - begin
    if not finished:
        print(f"disk_wait.py: {' '.join(map(str, command))} failed", file=sys.stderr)
        sys.exit(1)
    size = sum(file.stat().st_size for file in memory.glob("log.*"))
    shutil.rmtree(memory)
    return seconds, size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--text", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--disk", type=pathlib.Path, required=True)
    parser.add_argument("--memory", type=pathlib.Path, default=pathlib.Path("/dev/shm"))
    parser.add_argument("--tokens", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.disk) as disk, tempfile.TemporaryDirectory(dir=options.memory) as memory:
        context = pathlib.Path(memory) / "context.txt"
        static_keys.write_context(options.text, int(options.tokens * static_keys.BYTES_PER_TOKEN), context)
        times, size = {"disk": [], "memory": []}, 0
        for number in range(options.rounds):
            places = [("disk", disk), ("memory", memory)]
            for name, folder in places if number % 2 == 0 else places[::-1]:
                seconds, size = ingest(options.program, context, pathlib.Path(folder))
                times[name].append(seconds)
    ratio = statistics.median(a / b for a, b in zip(times["disk"], times["memory"], strict=True))
    rows = [["ingest into a folder on disk, s", f"{statistics.median(times['disk']):.2f}"], ["the same in memory, s", f"{statistics.median(times['memory']):.2f}"],
            ["disk / memory", f"{ratio:.3f}"], ["bytes written, MiB", f"{size / (1 << 20):.0f}"], ["rounds", str(options.rounds)]]
    result = json.dumps({"seconds": times, "bytes": size, "ratio": ratio, "columns": ["what", "measured"], "rows": rows}, indent=1) + "\n"
    if options.out:
        options.out.write_text(result, encoding="utf-8")
    print(result)


if __name__ == "__main__":
    main()

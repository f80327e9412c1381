#!/usr/bin/env python3
"""Check that a benchmark runs with --quick and that its JSON can be read. Says nothing about speed.

usage: check_output.py PROGRAM
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile


def numbers_of(value):
    """Every number in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers_of(part)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def fail(reason: str) -> int:
    print(f"larimar bench FAILED: {reason}")
    return 1


def main() -> int:
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.json"
        own_json = pathlib.Path(program).name.endswith("_ratio")
        options = ["--quick"] if own_json else ["--quick", f"--benchmark_out={out}"]
        done = subprocess.run([program, *options], capture_output=True, text=True, timeout=250)
        if done.returncode != 0:
            return fail(f"exit code {done.returncode}: {done.stderr}")
        text = done.stdout if own_json else out.read_text(encoding="utf-8")
    result = json.loads(text)
    measured = result["write"] if own_json else result["benchmarks"]
    if not measured or any("error_occurred" in entry for entry in measured):
        return fail("nothing was measured")
    if not all(math.isfinite(number) for number in numbers_of(result)):
        return fail("a number is not finite")
    if subprocess.run([program, "--nonsense"], capture_output=True, timeout=250).returncode != 2:
        return fail("an unknown option was not refused")
    print(f"{len(measured)} measurements; larimar bench PASSED")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Ingests codes and reads keys on simulated ranks of a cluster, beside what the cost model says.

    cluster/simulation/run.py [--sim build/release/larimar_sim.so] [--ranks 16,64,256] [--rows 16384] [--json FILE] [--curve FILE]
        [--out FOLDER]

Needs SimGrid's smpirun (Debian package libsimgrid-dev). Each number of ranks is one process that simulates all of them, with
the messages of fat_tree_100g.xml and no time for computing. Prints a line for each; FOLDER keeps the memories and what was
read; the files get table and drawing of docs/clusters.md.
Exit codes: 0 done, 1 messages are not those predicted or answers differ, 2 usage, 66 something is missing.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import curve
import messages

HERE = pathlib.Path(__file__).resolve().parent
PLATFORM = HERE / "fat_tree_100g.xml"
# The figures of that file as one rank sees them (they are explained there), and of the processors.
OVERHEAD = 4e-7          # seconds of the processor for each message sent and each received: o of the LogP model
LATENCY = 4 * 0.2e-6     # seconds on the four links between hosts of different leaves, as most are
BANDWIDTH = 12.5e9       # bytes a second
EAGER = 65536            # longer messages wait for their receiver: SMPI's own limit, and about that of Open MPI
SETTINGS = {
    "smpi/privatization": "no",            # the product has no state of a rank in globals
    "smpi/simulate-computation": "no",     # so that the simulation does not depend on the machine it runs on
    "smpi/host-speed": "1Gf",
    "smpi/bcast": "binomial_tree",         # as MPI libraries broadcast short messages
    "smpi/bw-factor": "0:1",               # without these two: corrections measured on some other network
    "smpi/lat-factor": "0:1",
    "smpi/os": f"0:{OVERHEAD}:0",
    "smpi/ois": f"0:{OVERHEAD}:0",
    "smpi/or": f"0:{OVERHEAD}:0",
    "smpi/send-is-detached-thresh": EAGER,
    "smpi/async-small-thresh": EAGER,
    "contexts/stack-size": 1024,           # KiB for each rank
    "tracing/smpi/internals": "yes",       # messages within collectives, too
    "tracing/smpi/display-sizes": "yes",
}
MICROSECONDS = 1e6


class Failure(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def smpirun(sim, ranks, arguments, deadline=600, extra=()):
    """Starts larimar_sim on so many simulated ranks; returns the finished process."""
    command = ["smpirun", "-np", str(ranks), "-platform", str(PLATFORM), *extra]
    command += [f"--cfg={name}:{value}" for name, value in SETTINGS.items()]
    command += ["--log=root.thres:warning", str(sim.resolve()), *map(str, arguments)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
                               start_new_session=True)
    try:
        out, err = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)  # smpirun is a shell, what simulates is its child
        process.communicate()
        raise Failure(1, f"{ranks} simulated ranks took more than {deadline} s") from None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def make(sim, folder, rows, queries):
    result = smpirun(sim, 1, ["make", folder, "--rows", rows, "--queries", queries])
    if result.returncode != 0:
        raise Failure(1, f"no codes were made: {result.stderr}")


def simulate(sim, folder, ranks, deadline=600):
    """Ingest and reads on so many ranks into and out of FOLDER/memory-RANKS, answers in FOLDER/found-RANKS.safetensors.
    Returns {"ranks", "same_answers", "steps": [{"part", "seconds", "predicted", "counted"}]}; raises Failure where merged and
    gathered proposals give other answers."""
    traced = folder / f"trace-{ranks}"
    arguments = ["run", folder, "--memory", folder / f"memory-{ranks}", "--out", folder / f"found-{ranks}.safetensors",
                 "--latency", LATENCY, "--bandwidth", BANDWIDTH, "--overhead", OVERHEAD, "--eager", EAGER]
    result = smpirun(sim, ranks, arguments, deadline, ("-trace", "-trace-file", str(traced)))
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if len(lines) == 1 and not json.loads(lines[0])["same_answers"]:
        raise Failure(1, f"{ranks} simulated ranks: merged proposals give other answers than gathered ones")
    if result.returncode != 0 or len(lines) != 1:
        raise Failure(1, f"{ranks} simulated ranks ended with {result.returncode}:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    report = json.loads(lines[0])
    counted = messages.count(traced, ranks)
    traced.unlink()
    for step in report["steps"]:
        step["counted"] = counted.get(int(step["begin"]), messages.nothing(ranks))
    return report


def differences(report):
    """Where messages and bytes of a rank are not those predicted: a few lines of text, empty if nowhere."""
    found = []
    for number, step in enumerate(report["steps"]):
        for name in messages.COLUMNS:
            for rank, (counted, predicted) in enumerate(zip(step["counted"][name], step["predicted"][name], strict=True)):
                if counted != predicted:
                    found.append(f"step {number} ({step['part']}), rank {rank}: {name} {counted}, predicted {predicted}")
    return found[:8]


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


PARTS = {"merged": "64 keys: merged", "gathered": "64 keys: gathered", "merged_single": "1 key: merged",
         "gathered_single": "1 key: gathered", "ingest": "ingest"}


def times(report, part):
    """Medians over the steps of a part: simulated and predicted microseconds."""
    steps = [step for step in report["steps"] if step["part"] == part]
    return (median([step["seconds"] for step in steps]) * MICROSECONDS,
            median([step["predicted"]["seconds"] for step in steps]) * MICROSECONDS)


def row(report):
    """One line of the table; times as simulated (model)."""
    first = {step["part"]: step["counted"] for step in reversed(report["steps"])}
    cells = {"ranks": f"{report['ranks']:,}"}
    cells |= {title: "{:,.0f} ({:,.0f})".format(*times(report, part)) for part, title in PARTS.items()}
    for part in ("merged", "gathered"):
        cells[f"messages to rank 0: {part}"] = f"{first[part]['messages_received'][0]:,}"
    for part in ("merged", "gathered"):
        cells[f"KiB to rank 0: {part}"] = f"{first[part]['bytes_received'][0] / 1024:,.0f}"
    return cells


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", type=pathlib.Path, default=HERE.parent.parent / "build" / "release" / "larimar_sim.so")
    parser.add_argument("--ranks", default="16,64,256", help="numbers of ranks, at most 1024 (default: 16,64,256)")
    parser.add_argument("--rows", type=int, default=16384, help="codes; 64 make a block (default: 16384)")
    parser.add_argument("--out", type=pathlib.Path, help="folder to keep (default: a temporary one)")
    parser.add_argument("--json", type=pathlib.Path, help="file for the table in docs/clusters.md")
    parser.add_argument("--curve", type=pathlib.Path, help="file for the drawing there (SVG)")
    options = parser.parse_args(arguments)
    if not options.sim.is_file():
        raise Failure(66, f"{options.sim} is missing: build it with launch/build.sh on a machine with libsimgrid-dev")
    table, series = [], {part: [] for part in PARTS}
    with tempfile.TemporaryDirectory(prefix="larimar-sim-") as temporary:
        folder = options.out or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        make(options.sim, folder, options.rows, queries=192)
        for ranks in map(int, options.ranks.split(",")):
            report = simulate(options.sim, folder, ranks)
            table.append(row(report))
            for part, points in series.items():
                points.append((ranks, *times(report, part)))
            print(", ".join(f"{name} {value}" for name, value in table[-1].items()), flush=True)
            wrong = differences(report)
            if wrong:
                raise Failure(1, f"{ranks} ranks: other messages than predicted:\n" + "\n".join(wrong))
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    if options.curve:
        options.curve.write_text(curve.draw(series), encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"run.py: {failure}", file=sys.stderr)
        sys.exit(failure.code)

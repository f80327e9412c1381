#!/usr/bin/env python3
"""Ingests codes and reads keys on simulated ranks of a cluster, beside what the cost model says.

    cluster/simulation/run.py [--sim build/release/larimar_sim.so] [--ranks 16,64,256] [--out FOLDER] [--json FILE] [--table FILE]
        [--curve FILE]

Needs SimGrid's smpirun (Debian package libsimgrid-dev). Each number of ranks is one process that simulates all of them, with
the messages of fat_tree_100g.xml and no time for computing. Prints a line for each; FOLDER keeps the memories and what was
read; --json keeps all numbers, --table those for docs/clusters.md, --curve draws them.
Exit codes: 0 done, 1 counted is not predicted or answers differ, 2 usage, 66 something is missing.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import curve

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
    "smpi/bw-factor": "0:1",               # without these two: corrections measured on some other network
    "smpi/lat-factor": "0:1",
    "smpi/ois": f"0:{OVERHEAD}:0",
    "smpi/or": f"0:{OVERHEAD}:0",
    "smpi/send-is-detached-thresh": EAGER,
    "smpi/async-small-thresh": EAGER,
    "contexts/stack-size": 512,            # KiB for each rank
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
    command += ["--log=root.thres:warning", str(sim), *map(str, arguments)]
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


def run_arguments(folder, ranks):
    """Of larimar_sim: ingest and reads into and out of FOLDER/memory-RANKS, answers in FOLDER/found-RANKS.safetensors."""
    return ["run", folder, "--memory", folder / f"memory-{ranks}", "--out", folder / f"found-{ranks}.safetensors",
            "--latency", LATENCY, "--bandwidth", BANDWIDTH, "--overhead", OVERHEAD, "--eager", EAGER]


def simulate(sim, folder, ranks, deadline=600):
    """The report of larimar_sim on so many ranks. Raises Failure where counted is not predicted or answers differ."""
    result = smpirun(sim, ranks, run_arguments(folder, ranks), deadline)
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if len(lines) != 1:
        raise Failure(1, f"{ranks} simulated ranks ended with {result.returncode} and no report:\n{result.stdout}{result.stderr}")
    report = json.loads(lines[0])
    if result.returncode != 0 or not report["equal"]:
        raise Failure(1, f"{ranks} ranks: counted is not predicted, or answers differ:\n{json.dumps(report, indent=1)}")
    return report


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


PARTS = {"merged": 64, "gathered": 64, "merged_single": 1, "gathered_single": 1}  # and keys in a read


def times(report, part):
    """Medians over the reads of a part: simulated and predicted microseconds."""
    return median(report[part]["seconds"]) * MICROSECONDS, median(report[part]["predicted_seconds"]) * MICROSECONDS


def table(reports):
    """One row for each number of ranks; times as simulated (model)."""
    rows = []
    for report in reports:
        pair = {part: "{:.0f} ({:.0f})".format(*times(report, part)) for part in (*PARTS, "ingest")}
        merged, gathered = report["merged"], report["gathered"]
        rows.append({
            "ranks": f"{report['ranks']:,}",
            "64 keys: merged": pair["merged"],
            "64 keys: gathered": pair["gathered"],
            "1 key: merged": pair["merged_single"],
            "1 key: gathered": pair["gathered_single"],
            "messages to rank 0: merged": merged["messages_received"]["root"],
            "messages to rank 0: gathered": gathered["messages_received"]["root"],
            "bytes that rank 0 sends": f"{merged['bytes_sent']['root']:,}",
            "bytes of all ranks": f"{merged['bytes_sent']['all']:,}",
            "ingest": pair["ingest"],
        })
    return rows


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", type=pathlib.Path, default=HERE.parent.parent / "build" / "release" / "larimar_sim.so")
    parser.add_argument("--ranks", default="16,64,256", help="numbers of ranks, at most 1024 (default: 16,64,256)")
    parser.add_argument("--rows", type=int, default=16384, help="codes; 64 make a block (default: 16384)")
    parser.add_argument("--out", type=pathlib.Path, help="folder to keep (default: a temporary one)")
    parser.add_argument("--json", type=pathlib.Path, help="file for all numbers")
    parser.add_argument("--curve", type=pathlib.Path, help="file for the drawing in docs/clusters.md (SVG)")
    parser.add_argument("--table", type=pathlib.Path, help="file for the table in docs/clusters.md")
    options = parser.parse_args(arguments)
    if not options.sim.is_file():
        raise Failure(66, f"{options.sim} is missing: build it with launch/build.sh on a machine with libsimgrid-dev")
    counts = [int(part) for part in options.ranks.split(",")]
    queries = 192
    with tempfile.TemporaryDirectory(prefix="larimar-sim-") as temporary:
        folder = options.out or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        make(options.sim, folder, options.rows, queries)
        reports = []
        for ranks in counts:
            reports.append(simulate(options.sim, folder, ranks))
            row = table(reports[-1:])[0]
            print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        found = {(folder / f"found-{ranks}.safetensors").read_bytes() for ranks in counts}
        # The shard and slot of an answer follow from the number of ranks; codes, scores and ids must not. The test compares them.
        print(f"{len(counts)} numbers of ranks, {len(found)} different files of answers")
    if options.json:
        options.json.write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")
    if options.table:
        options.table.write_text(json.dumps(table(reports), indent=1) + "\n", encoding="utf-8")
    if options.curve:
        series = {part: [(report["ranks"], *times(report, part)) for report in reports] for part in PARTS}
        options.curve.write_text(curve.draw(series), encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"run.py: {failure}", file=sys.stderr)
        sys.exit(failure.code)

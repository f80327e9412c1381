#!/usr/bin/env python3
"""How ingest and reads grow with the number of ranks, beside what the plan says; and what it says of sizes that were not measured.

    bench/scaling.py measure --program build/release/larimar [--ranks 1,2,4,8] [--rows 65536] [--quick] --out docs/data/scaling.json
    bench/scaling.py tables docs/data/scaling.json --program build/release/larimar --folder docs/data

`measure` takes the rates of this machine on one rank (larimar bench limits scan scaling), then starts `larimar bench scaling` with each
number of ranks. More ranks than cores take turns, so processor time, bytes and memory count, and wall time is not looked at. `tables` makes of it what tools/results_to_docs.py puts into docs/scaling.md. Standard library only.
Exit codes: 0 done, 1 counts are not those of the cost model, 2 usage, 66 a file is missing.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

STORES = ("fp32", "bf16", "int8")
TOKENS = ("1M", "10M", "100M", "1B", "10B")
PLANNED_RANKS = (1, 4, 16, 64, 256, 1024)
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "OMPI_MCA_mpi_yield_when_idle": "1"}


def start(options, ranks, *arguments):
    """What a job printed."""
    launcher = [options.mpirun, "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run([*launcher, options.program, *map(str, arguments)], stdout=subprocess.PIPE, text=True, timeout=3600,
                          env={**os.environ, **ENVIRONMENT}, check=False)
    if done.returncode != 0:
        sys.exit(f"scaling.py: {' '.join(map(str, arguments))} on {ranks} ranks ended with {done.returncode}")
    return done.stdout


def bench(options, ranks, *arguments):
    quick = ["--quick"] if options.quick else ["--rows", options.rows]
    return json.loads(start(options, ranks, "bench", *arguments, "--width", options.width, *quick, "--rounds", options.rounds, "--json"))


def planned(options, *arguments):
    return json.loads(start(options, 1, "plan", *arguments, "--json"))


def measure(options):
    ranks_list = [int(word) for word in options.ranks.split(",")]
    rates = bench(options, 1, "limits", "scan", "scaling")
    rows = [row for row in rates["rows"] if row["part"] != "scaling" or row["measured"].startswith("storing")]
    with tempfile.TemporaryDirectory(prefix="larimar-scaling-") as name:
        folder = pathlib.Path(name)
        file = folder / "rates.json"
        file.write_text(json.dumps({"rows": rows}), encoding="utf-8")
        runs = [bench(options, ranks, "scaling", "--rates", file, "--folder", folder) for ranks in ranks_list]
    result = {"command": "bench/scaling.py " + " ".join(
                  ["measure", "--ranks", options.ranks, "--rows", str(options.rows), "--width", str(options.width)]
                  + ["--rounds", str(options.rounds)] + (["--quick"] if options.quick else [])),
              "version": rates["version"], "processor": rates["processor"], "instruction_set": rates["instruction_set"],
              "cores": os.cpu_count(), "load": [rates["load"][0], runs[-1]["load"][1]], "rates": rows,
              "runs": [{"ranks": run["ranks"], "load": run["load"], "rows": run["rows"]} for run in runs]}
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    off = sum(row["value"] for run in runs for row in run["rows"] if "not the cost model's" in row["measured"])
    print(f"{options.out}: {len(runs)} numbers of ranks; counts that are not the cost model's: {off:.0f}")
    return 1 if off else 0


def by_name(run, kind):
    """{what: row} of "strong, 65536 segments: what"."""
    return {row["measured"].split(": ", 1)[1]: row for row in run["rows"] if row["measured"].startswith(kind)}


def counts_table(result):
    columns = ["ranks", "memory"]
    steps = ("ingest", "read of 1 key", "read of 64 keys")
    for step in steps:
        columns += [f"{step}: messages, all ranks (most of one)", "bytes"]
    rows = []
    for run in result["runs"]:
        for kind in ("strong", "weak"):
            named = by_name(run, kind)
            cells = []
            for step in steps:
                for unit in ("messages", "bytes"):
                    row = named[f"{step}, {unit} sent"]
                    cells.append(f"{sum(row['ranks']):,.0f} ({row['value']:,.0f})")
            off = named["counts of ranks that are not the cost model's"]["value"]
            rows.append([run["ranks"], kind, *cells, f"{off:.0f}"])
    return {"columns": [*columns, "counts of single ranks that are not the cost model's"], "rows": rows}


def error_text(measured, expected):
    return f"{100 * (measured / expected - 1):+.0f}%" if expected > 0 else "-"


def figures(result):
    """(what, unit): for each run of each kind (ranks, kind, measured, share of the plan)."""
    found = {}
    for run in result["runs"]:
        for kind in ("strong", "weak"):
            for name, row in by_name(run, kind).items():
                if row["limit"] == "the plan":
                    found.setdefault((name, row["unit"]), {})[run["ranks"], kind] = (row["value"], row["value"] / row["share"])
    return found


def figures_table(result):
    ranks = [run["ranks"] for run in result["runs"]]
    columns = ["what, of the busiest rank", "memory", *(f"{r} rank{'s' if r > 1 else ''}: measured / plan (error)" for r in ranks)]
    rows = []
    for (name, unit), cells in figures(result).items():
        for kind in ("strong", "weak"):
            texts = []
            for r in ranks:
                measured, expected = cells[r, kind]
                texts.append(f"{measured:.3g} / {expected:.3g} {unit} ({error_text(measured, expected)})")
            rows.append([name, kind, *texts])
    return {"columns": columns, "rows": rows}


def errors_table(result):
    rows = []
    for (name, _), cells in figures(result).items():
        errors = sorted(measured / expected - 1 for measured, expected in cells.values() if expected > 0)
        middle = sorted(abs(error) for error in errors)[len(errors) // 2]
        rows.append([name, len(errors), f"{100 * middle:.0f}%", f"{100 * errors[0]:+.0f}%", f"{100 * errors[-1]:+.0f}%"])
    return {"columns": ["what, of the busiest rank", "n", "middle of the errors' sizes", "least", "most"], "rows": rows}


def rates_table(result):
    return {"columns": ["rate", "measured", "unit"], "rows": [[row["measured"], f"{row['value']:.3g}", row["unit"]] for row in result["rates"]]}


def seconds_text(seconds):
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def bytes_text(value):
    for size, unit in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value} B"


def plan_table(options, key_store):
    rows = []
    for tokens in TOKENS:
        for ranks in PLANNED_RANKS:
            told = planned(options, "--tokens", tokens, "--ranks", ranks, "--key-store", key_store)
            static = planned(options, "--tokens", tokens, "--ranks", ranks, "--key-store", key_store, "--keys", "static")
            rows.append([tokens, f"{ranks:,}", told["shards_used"], seconds_text(told["ingest_seconds"]), seconds_text(static["ingest_seconds"]),
                         seconds_text(told["read_seconds"]), seconds_text(told["batch_seconds"]), bytes_text(told["rank_bytes"]),
                         bytes_text(told["disk_bytes"])])
    return {"columns": ["tokens", "ranks", "of them store", "ingest, minilm", "ingest, static", "read of 1 key", "read of 64 keys",
                        "memory of the largest rank", "disk"], "rows": rows}


def tables(options):
    result = json.loads(options.result.read_text(encoding="utf-8"))
    made = {"rates": rates_table(result), "counts": counts_table(result), "figures": figures_table(result),
            "errors": errors_table(result), "plan": plan_table(options, "int8")}
    for name, table in made.items():
        (options.folder / f"scaling-{name}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    measuring, making = actions.add_parser("measure"), actions.add_parser("tables")
    for action in (measuring, making):
        action.add_argument("--program", required=True)
    measuring.add_argument("--mpirun", default="mpirun")
    measuring.add_argument("--ranks", default="1,2,4,8")
    measuring.add_argument("--rows", type=int, default=65536)
    measuring.add_argument("--width", type=int, default=384)
    measuring.add_argument("--rounds", type=int, default=7)
    measuring.add_argument("--quick", action="store_true")
    measuring.add_argument("--out", type=pathlib.Path, required=True)
    making.add_argument("result", type=pathlib.Path)
    making.add_argument("--folder", type=pathlib.Path, required=True)
    options = parser.parse_args()
    try:
        return measure(options) if options.action == "measure" else tables(options)
    except FileNotFoundError as error:
        print(f"scaling.py: {error}", file=sys.stderr)
        return 66


if __name__ == "__main__":
    sys.exit(main())

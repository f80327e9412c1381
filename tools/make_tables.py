#!/usr/bin/env python3
"""Makes small tables, as results_to_docs.py takes them, out of what the commands wrote.

    make_tables.py model OUT/model/model.json > docs/data/model.json
    make_tables.py capacity OUT/capacity/capacity.json > docs/data/capacity.json
    make_tables.py forgetting OUT/capacity/capacity.json > docs/data/forgetting.json
    make_tables.py cost NAME=OUT/passkey/first_job.json ... > docs/data/cost.json
    make_tables.py memory OUT/memory/ratio.json OUT/memory/bench.json > docs/data/memory.json
    make_tables.py systems OUT/report/summary.csv > docs/data/systems.json
    make_tables.py weight "by key=OUT/tuning/key/summary.json" ... > docs/data/rerank-weight.json
    make_tables.py rerank OUT/needles-rerank/first_job.json > docs/data/rerank-cost.json
    make_tables.py grid OUT/grid/summary.json OUT/grid/time.json > docs/data/grid.json

Standard library only. Exit codes: 0 done, 2 usage, 66 missing file.
"""
import csv
import json
import re
import sys


def measures(node, path=()):
    """The measures {n, hits, value, low, high} below a node, with their names."""
    if isinstance(node, dict) and {"n", "value", "low", "high"} <= node.keys():
        yield " ".join(path).replace("_", " "), node
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from measures(child, (*path, name))


def model_table(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    rows = [[name, m["n"], m["hits"], f"{m['value']:.5f}", f"{m['low']:.5f} to {m['high']:.5f}"] for name, m in measures(data)]
    return {"columns": ["measure", "n", "right", "share", "95 % interval"], "rows": rows}


def cost_rows(name, job):
    phases = job["seconds"]
    rate = job["tokens_per_second"]
    yield [name, "tokens; segments", f"{job['tokens']:,}; {job['segments']:,}"]
    yield [name, "seconds: ingest; write", f"{phases['ingest']:.1f}; {phases['write']:.3f}"]
    yield [name, "tokens/s of one shard: segmenting; codes; keys",
           "; ".join(f"{rate[step]:,.0f}" for step in ("segmenting_per_shard", "codes_per_shard", "keys_per_shard"))]
    yield [name, "tokens/s of all shards", f"{rate['all_shards']:,.0f}"]
    asking = sum(phases[step] for step in ("read_keys", "read", "decode"))
    yield [name, "seconds an answer (read key, read, decode)", f"{asking / job['queries']:.3f}"]
    peaks = {}
    for rank in job["ranks"]:
        role = "+".join(rank["roles"])
        peaks[role] = max(peaks.get(role, 0), rank["peak_memory_bytes"])
    for role, peak in peaks.items():
        yield [name, f"peak memory of a {role} rank", f"{peak / 2**20:,.0f} MiB"]


def cost_table(arguments):
    rows = []
    for argument in arguments:
        name, _, path = argument.partition("=")
        with open(path, encoding="utf-8") as file:
            rows.extend(cost_rows(name, json.load(file)))
    return {"columns": ["run", "what", "measured"], "rows": rows}


def memory_table(ratio_path, bench_path):
    """Interleaved ratios against the fixed-step iteration, then rows per second of the recursion."""
    with open(ratio_path, encoding="utf-8") as file:
        ratio = json.load(file)
    steps = ratio["steps"]
    rows = []
    for write in ratio["write"]:
        rows.append([f"write of {write['segments']:,} segments", f"{1e3 * write['iteration_s']:.1f} ms ({steps} steps)",
                     f"{1e3 * write['ours_s']:.2f} ms", f"{write['ratio']:.1f}"])
    for name, text in (("read_cached_inverse", "read of one key, M0^+ cached"), ("read_fixed_memory", "read of one key, M0^+ M cached")):
        rows.append([text, f"{1e3 * ratio[name]['iteration_s']:.1f} ms ({steps} steps)", f"{1e3 * ratio[name]['ours_s']:.3f} ms",
                     f"{ratio[name]['ratio']:,.0f}"])
    with open(bench_path, encoding="utf-8") as file:
        for run in json.load(file)["benchmarks"]:
            if "items_per_second" in run and run.get("run_type", "iteration") == "iteration":
                name = re.sub(r"/(iterations|min_time):[^/]*", "", run["name"])  # how long it ran says nothing here
                name = re.sub(r"/rows/(\d+)/[01]$", r", \1 a call", name).replace("/times_slots/1", ", N = K").replace("/times_slots/4", ", N = 4 K").replace("_", " ").replace("/", ", ")
                rows.append([name, "", f"{run['items_per_second']:,.0f} rows/s", ""])
    return {"columns": ["what", "iteration", "ours", "times faster"], "rows": rows}


SLOTS = 512  # K of the tables; the others stand in capacity.csv


def capacity_cells(path):
    """{(source, keys, memory): {(measure, N): share}} of reads by written keys at K = SLOTS, and all N."""
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["rows"]
    cells = {}
    for row in rows:
        if row["memory"] and (row["memory"] == "stored" or row["slots"] == SLOTS) and row["asked"] != "rephrased":
            share = "diverged" if row["status"] == "diverged" else f"{row['value']:.2f}"
            cells.setdefault((row["source"], row["keys"], row["memory"]), {})[row["measure"], row["facts"]] = share
    return cells, sorted({row["facts"] for row in rows})


def pair(shares, first, second, count):
    if ("", count) in shares:
        return "diverged"
    if (first, count) not in shares:
        return ""
    return f"{shares[first, count]} / {shares[second, count]}" if (second, count) in shares else shares[first, count]


def capacity_table(path):
    cells, counts = capacity_cells(path)
    decoded = {source for (source, _, _), shares in cells.items() if any(measure == "decoded" for measure, _ in shares)}
    rows = []
    for key, shares in cells.items():
        strict = "decoded" if key[0] in decoded else "exact"
        rows.append([*key, f"recalled / {strict}", *(pair(shares, "recalled", strict, count) for count in counts)])
    return {"columns": ["facts", "keys", "memory", "share", *(f"N = {count:,}" for count in counts)], "rows": rows}


def forgetting_table(path):
    cells, _ = capacity_cells(path)
    rows = []
    for key, shares in cells.items():
        for suffix, name in (("", "recalled"), ("_decoded", "decoded"), ("_tenth", "recalled, a tenth forgotten")):
            found = [pair(shares, "forgotten" + suffix, "retained" + suffix, count) for count in (SLOTS // 2, SLOTS, 2 * SLOTS)]
            if any(cell not in ("", "diverged") for cell in found):
                rows.append([*key, name, *found])
    counts = [f"N = {count:,}: forgotten / retained" for count in (SLOTS // 2, SLOTS, 2 * SLOTS)]
    return {"columns": ["facts", "keys", "memory", "share", *counts], "rows": rows}


def share_of(row):
    """Recall with its interval and n; of a published number the number alone."""
    if row["origin"] == "published":
        return f"{float(row['recall']):.2f}"
    return f"{float(row['recall']):.2f} ({row['n']}; {float(row['low']):.2f} to {float(row['high']):.2f})"


def systems_table(path):
    """A line for each task and system, a column for each length at which anything was measured."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lengths = sorted({int(row["length"]) for row in rows})
    lines = {}
    for row in rows:
        system = row["system"] + (f", published ({row['source']})" if row["origin"] == "published" else "")
        lines.setdefault((row["task"], row["origin"] == "published", system), {})[int(row["length"])] = share_of(row)
    table = [[task, system, *(cells.get(length, "") for length in lengths)] for (task, _, system), cells in sorted(
        lines.items(), key=lambda line: (line[0][0], line[0][1]))]
    return {"columns": ["task", "system", *(f"{length:,} tokens" for length in lengths)], "rows": table}


def rerank_table(path):
    """What a question costs whose candidates are reranked, from the first job of such an evaluation."""
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    seconds, n = job["seconds"], job["queries"]
    rows = [[name, f"{seconds[phase] / n:.3f} s"] for name, phase in (
        ("read key of the question", "read_keys"), ("read 24 segments", "read"), ("decode 24 segments", "decode"),
        ("likelihood of the question after each", "language"))]
    return {"columns": [f"part of a reranked question (mean of {n}, one core)", "time"], "rows": rows}


def weight_table(arguments):
    """Recalls of one group each, under the names given."""
    rows = []
    for argument in arguments:
        name, _, path = argument.partition("=")
        with open(path, encoding="utf-8") as file:
            (group,) = json.load(file)["groups"]
        first, cited = group["retrieval_first"], group["retrieval_any"]
        rows.append([name, group["n"], *(f"{m['recall']:.2f} ({m['hits']}; {m['low']:.2f} to {m['high']:.2f})" for m in (first, cited))])
    return {"columns": ["order of the segments", "n", "right segment first", "right segment among the first 4"], "rows": rows}


def grid_table(summary_path, time_path):
    with open(summary_path, encoding="utf-8") as file:
        groups = json.load(file)["groups"]
    with open(time_path, encoding="utf-8") as file:
        time = json.load(file)
    cells = [f"{g['wording']['recall']:.2f} ({g['wording']['hits']}/{g['n']}) at {g['context_tokens']:,}" for g in groups]
    return {"columns": ["contexts", "ranks", "time", "right string in the answer"],
            "rows": [[sum(g["n"] for g in groups), time["ranks"], f"{time['seconds'] // 60} min {time['seconds'] % 60} s", "; ".join(cells)]]}


TABLES = {"model": model_table, "capacity": capacity_table, "forgetting": forgetting_table, "systems": systems_table,
          "rerank": rerank_table}


def main(arguments):
    if len(arguments) == 2 and arguments[0] in TABLES:
        table = TABLES[arguments[0]](arguments[1])
    elif len(arguments) == 3 and arguments[0] == "memory":
        table = memory_table(arguments[1], arguments[2])
    elif len(arguments) == 3 and arguments[0] == "grid":
        table = grid_table(arguments[1], arguments[2])
    elif len(arguments) >= 2 and arguments[0] in ("cost", "weight"):
        table = (cost_table if arguments[0] == "cost" else weight_table)(arguments[1:])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    json.dump(table, sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FileNotFoundError as error:
        print(f"make_tables.py: {error}", file=sys.stderr)
        sys.exit(66)

#!/usr/bin/env python3
"""Scans of this project against FAISS (Flat, SQ bf16, SQ 8-bit direct), in turns, in one run, over the same keys.

usage: scan_faiss.py --bench build/release/bench/bench_scan [--out scan.json] [--rounds 11] [--quick]
       [--rows 250000] [--width 768] [--agreement 10000] [--work FOLDER]

Needs numpy and faiss-cpu (tested: 1.15.1); a virtual environment will do:
    python3 -m venv compare && compare/bin/pip install faiss-cpu==1.15.1 numpy
Every contender runs once in each round; a ratio is taken within the round and the median over rounds is reported, by the processor time of the
working thread and by wall time. Use wall time on an idle machine; beside other work only processor time says something. One thread
each, on processor 0; "two ranks" are two processes with half of the rows each against FAISS with two threads, both on
processors 0 and 1. FAISS's threshold from which a batch goes through BLAS is tuned first. Exit code 1: answers differ, or --gate and
a goal is missed.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1" if name.startswith("OPEN") else "2")
try:
    import faiss
    import numpy as np
except ImportError as error:
    sys.exit(f"scan_faiss.py: {error}; make a virtual environment with faiss-cpu and numpy, see --help")

STORES = ("fp32", "bf16", "int8")
BATCH = 64
DIRECT = 128000  # FAISS's own default: never through BLAS


def directions(source, rows, width):
    """Unit rows, made in pieces so that doubles of them never exist."""
    keys = np.empty((rows, width), np.float32)
    for first in range(0, rows, 8192):
        part = source.standard_normal((min(8192, rows - first), width), dtype=np.float32)
        keys[first : first + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return keys


def queries_for(source, keys, count):
    """Every second one near to a key (cosine about 0.8), the others near to none."""
    queries = directions(source, count, keys.shape[1])
    for q in range(0, count, 2):
        queries[q] = 0.8 * keys[q * 7919 % len(keys)] + 0.6 * queries[q]
    return queries / np.linalg.norm(queries, axis=1, keepdims=True)


class Server:
    """A bench_scan process; asked line by line. It waits in a read and takes no processor time meanwhile."""

    def __init__(self, bench, keys_file, width, first, rows, queries_file, cpu):
        self.process = subprocess.Popen(
            [bench, keys_file, str(width), str(first), str(rows), queries_file, "--cpu", str(cpu)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read()

    def write(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"scan_faiss.py: {self.process.args[0]} ended with {self.process.wait(60)}")
        return json.loads(line)

    def ask(self, line):
        self.write(line)
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


class Faiss:
    """The opponents over the same keys."""

    def __init__(self, keys):
        width = keys.shape[1]
        self.scale = 127.0 / float(np.abs(keys).max())  # 8-bit direct holds whole numbers
        self.thresholds = {}  # by queries and threads
        self.indexes = {"Flat": faiss.IndexFlatIP(width)}
        for name, kind in (("SQ bf16", "QT_bf16"), ("SQ 8bit direct", "QT_8bit_direct_signed")):
            quantizer = getattr(faiss.ScalarQuantizer, kind)
            self.indexes[name] = faiss.IndexScalarQuantizer(width, quantizer, faiss.METRIC_INNER_PRODUCT)
        for first in range(0, len(keys), 65536):
            part = keys[first : first + 65536]
            for name, index in self.indexes.items():
                part_or_whole = np.rint(part * self.scale) if name == "SQ 8bit direct" else part
                index.is_trained or index.train(part_or_whole)
                index.add(part_or_whole)

    def search(self, name, queries, threads=1):
        """{"wall", "cpu"} of the calling thread, and the ids."""
        faiss.omp_set_num_threads(threads)
        faiss.cvar.distance_compute_blas_threshold = self.thresholds.get((len(queries), threads), DIRECT)
        wall, cpu = time.perf_counter(), time.thread_time()
        _, ids = self.indexes[name].search(queries, 1)
        return {"cpu": 1e3 * (time.thread_time() - cpu), "wall": 1e3 * (time.perf_counter() - wall), "ids": ids[:, 0].tolist()}

    def tune(self, queries, threads=1):
        """From how many queries Flat goes through BLAS is what makes it fastest for so many queries and threads."""
        shape, times = (len(queries), threads), {}
        for threshold in (1, 20, DIRECT) if len(queries) == 1 else (1, 20):  # without BLAS a batch takes ten times as long
            self.thresholds[shape] = threshold
            times[threshold] = min(self.search("Flat", queries, threads)["cpu" if threads == 1 else "wall"] for _ in range(3))
        self.thresholds[shape] = min(times, key=times.get)


class Rounds:
    """Times of every contender, by round."""

    def __init__(self):
        self.times = {}

    def add(self, name, found):
        self.times.setdefault(name, []).append((found["cpu"], found["wall"]))

    def median(self, name, clock=0):
        return statistics.median(entry[clock] for entry in self.times[name])

    def least(self, name, clock=0):
        return min(entry[clock] for entry in self.times[name])

    def ratio(self, slower, faster, factor=1.0):
        """(by processor time, by wall time): medians over rounds of how many times `faster` is faster."""
        pairs = list(zip(self.times[slower], self.times[faster], strict=True))
        return tuple(factor * statistics.median(a[clock] / b[clock] for a, b in pairs) for clock in (0, 1))


def one_thread(rounds, server, opponents, queries, number):
    query = number % len(queries)
    for name in opponents.indexes:
        scaled = queries[query : query + 1] * (opponents.scale if name == "SQ 8bit direct" else 1)
        rounds.add(name, opponents.search(name, scaled))
    for store in STORES:
        rounds.add(f"read {store}", server.ask(f"read {store}"))
        rounds.add(store, server.ask(f"scan {store} {query} 1 1"))


def batches(rounds, server, opponents, queries):
    rounds.add("Flat, batch", opponents.search("Flat", queries[:BATCH]))
    rounds.add("sgemm", server.ask("sgemm"))
    for store in STORES:
        rounds.add(f"{store}, batch", server.ask(f"scan {store} 0 {BATCH} 1"))


def two_ranks(rounds, halves, opponents, queries, number):
    query = number % len(queries)
    rounds.add("Flat, 2 threads", opponents.search("Flat", queries[query : query + 1], 2))
    for store in STORES[1:]:
        started = time.perf_counter()
        for server in halves:
            server.write(f"scan {store} {query} 1 1")
        found = [server.read() for server in halves]
        rounds.add(f"{store}, 2 ranks", {"cpu": max(f["cpu"] for f in found), "wall": 1e3 * (time.perf_counter() - started)})


def goals(rounds, flops):
    """(goal, needed, (by processor time, by wall time))"""
    peak = 2.0 * 2048**3
    share = {store: rounds.ratio("sgemm", f"{store}, batch", flops / peak) for store in STORES}
    return [
        ("bf16, one query: share of the read bandwidth", 0.85, rounds.ratio("read bf16", "bf16")),
        ("int8, one query: share of the read bandwidth", None, rounds.ratio("read int8", "int8")),
        ("bf16 over FAISS Flat, 1 thread", 2.0, rounds.ratio("Flat", "bf16")),
        ("bf16 over FAISS SQ bf16, 1 thread", 1.35, rounds.ratio("SQ bf16", "bf16")),
        ("int8 over FAISS Flat, 1 thread", 3.8, rounds.ratio("Flat", "int8")),
        ("int8 over FAISS SQ 8bit direct, 1 thread", None, rounds.ratio("SQ 8bit direct", "int8")),
        ("fp32 over FAISS Flat, 1 thread", None, rounds.ratio("Flat", "fp32")),
        ("bf16 on 2 ranks over FAISS Flat with 2 threads", 3.5, rounds.ratio("Flat, 2 threads", "bf16, 2 ranks")),
        ("int8 on 2 ranks over FAISS Flat with 2 threads", 6.5, rounds.ratio("Flat, 2 threads", "int8, 2 ranks")),
        ("fp32, 64 queries over tuned FAISS Flat", 1.0, rounds.ratio("Flat, batch", "fp32, batch")),
        ("bf16, 64 queries over tuned FAISS Flat", 1.0, rounds.ratio("Flat, batch", "bf16, batch")),
        ("int8, 64 queries over tuned FAISS Flat", 1.0, rounds.ratio("Flat, batch", "int8, batch")),
        ("fp32, 64 queries: share of the sgemm peak", 0.70, share["fp32"]),
        ("bf16, 64 queries: share of the sgemm peak", 0.70, share["bf16"]),
        ("int8, 64 queries: share of the (float) sgemm peak", 0.70, share["int8"]),
    ]


def agreement(server, queries):
    """Share of queries whose best id is that of the exact scan, by store; and whether the scores have the same bits."""
    result = {}
    exact = ask_all(server, "fp32", len(queries))
    for store in STORES[1:]:
        found = ask_all(server, store, len(queries))
        result[store] = {"queries": len(queries), "same": sum(a[0] == b[0] for a, b in zip(exact, found)),
                         "same_bits": sum(a == b for a, b in zip(exact, found))}
    return result


def ask_all(server, store, count):
    best = []
    for first in range(0, count, BATCH):
        found = server.ask(f"scan {store} {first} {min(BATCH, count - first)} 1")
        best += list(zip(found["ids"], found["scores"], strict=True))
    return best


def check_answers(server, opponents, queries):
    """FAISS and all stores must name the same best key of each query, alone and together."""
    expected = opponents.search("Flat", queries[:BATCH])["ids"]
    for store in STORES:
        together = server.ask(f"scan {store} 0 {BATCH} 1")["ids"]
        alone = [server.ask(f"scan {store} {q} 1 1")["ids"][0] for q in range(8)]
        if together != expected or alone != expected[:8]:
            sys.exit(f"scan_faiss.py: {store} keys and FAISS Flat name different best keys")


def processor():
    fields = dict(line.split(":", 1) for line in pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    return f"{fields.get('model name')} (family {fields.get('cpu family')}, model {fields.get('model')})"


def measure(options, folder):
    source = np.random.default_rng(1)
    keys = directions(source, options.rows, options.width)
    queries = queries_for(source, keys, max(options.agreement, BATCH))
    keys.tofile(folder / "keys.f32")
    queries.tofile(folder / "queries.f32")
    os.sched_setaffinity(0, {0, 1} if os.cpu_count() > 1 else {0})
    opponents = Faiss(keys)
    del keys
    half = options.rows // 2

    def serve(first, rows, cpu):
        return Server(options.bench, folder / "keys.f32", options.width, first, rows, folder / "queries.f32", cpu)

    server, halves = serve(0, options.rows, 0), [serve(0, half, 0), serve(half, options.rows - half, 1 % os.cpu_count())]
    check_answers(server, opponents, queries)
    opponents.tune(queries[:BATCH])
    opponents.tune(queries[:1])
    opponents.tune(queries[:1], 2)
    rounds, load = Rounds(), [os.getloadavg()[0]]
    both = os.sched_getaffinity(0)
    for number in range(options.rounds):
        os.sched_setaffinity(0, {0})
        one_thread(rounds, server, opponents, queries[:BATCH], number)
        batches(rounds, server, opponents, queries)
        os.sched_setaffinity(0, both)
        two_ranks(rounds, halves, opponents, queries[:BATCH], number)
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    agreed = agreement(server, queries) if options.agreement else {}
    for one in [server, *halves]:
        one.close()
    load.append(os.getloadavg()[0])
    found = goals(rounds, 2.0 * options.rows * options.width * BATCH)
    return {
        "columns": ["what", "goal", "by processor time", "by wall time"],
        "rows": [[name, "-" if needed is None else f">= {needed}", round(times[0], 3), round(times[1], 3)]
                 for name, needed, times in found],
        "missed": [name for name, needed, times in found if needed is not None and times[options.gate == "wall"] < needed],
        "milliseconds": {name: {"cpu_min": round(rounds.least(name), 3), "cpu_median": round(rounds.median(name), 3),
                                "wall_min": round(rounds.least(name, 1), 3), "wall_median": round(rounds.median(name, 1), 3)}
                         for name in rounds.times},
        "agreement_with_the_exact_scan": agreed,
        "keys": options.rows, "width": options.width, "rounds": options.rounds, "processor": processor(),
        "load": load, "faiss": faiss.__version__, "faiss_options": faiss.get_compile_options(), "faiss_blas_thresholds": {f"{count} queries, {threads} threads": value for (count, threads), value in opponents.thresholds.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="the program bench_scan")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file")
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--agreement", type=int, default=10_000, help="queries compared with the exact scan; 0: none")
    parser.add_argument("--work", type=pathlib.Path, help="folder for the keys (default: a temporary one)")
    parser.add_argument("--gate", choices=("cpu", "wall"), help="exit 1 if a goal is missed by this clock")
    parser.add_argument("--quick", action="store_true", help="small: tells whether it works, nothing about speed")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.width, options.rounds, options.agreement = 5000, 128, 2, 200
    with tempfile.TemporaryDirectory(prefix="larimar-scan-", dir=options.work) as name:
        result = measure(options, pathlib.Path(name))
    text = json.dumps(result, indent=1)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    for row in result["rows"]:
        print("{:60} {:>8} {:8.3f} {:8.3f}".format(*row))
    print(json.dumps(result["agreement_with_the_exact_scan"]))
    differ = any(entry["same"] < 0.999 * entry["queries"] for entry in result["agreement_with_the_exact_scan"].values())
    return 1 if differ or (options.gate and result["missed"]) else 0


if __name__ == "__main__":
    sys.exit(main())

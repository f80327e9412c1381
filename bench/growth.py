#!/usr/bin/env python3
"""What grows with the context and what does not: memory of an ingest, time of an answer, memory of the decoder.

    growth.py --program build/release/larimar --mpirun mpirun --text PATH... [--tokens 100000 1000000 10000000] [--work DIR] [--out FILE.json]

For each number of tokens: the texts (*.txt, *.txt.zst) are cut to about so many and ingested by one rank (--keys static --arithmetic integer); its peak
memory is compared with that of the same ingest of one sentence and with the payload, the bytes of the logs. Then 40 sentences of the text, the same
for all sizes, are asked one by one on four ranks: coordinator, two shards, decoder (--ranks). An answer's time is all of it, scan and ranking of 64
candidates included, and the median counts. With
--ask-only memories that an earlier run left in --work are asked again. Standard library and zstd. Exit codes: 0 done, 1 a run failed, 66 no text.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "compare"))
import static_keys  # noqa: E402  the path comes first

ASKED = 40
MIB = 1 << 20


def done(command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        print(f"growth.py: {' '.join(map(str, command))} failed", file=sys.stderr)
        sys.exit(1)


def report_of(out):
    return json.loads((out / "run.json").read_text(encoding="utf-8"))


def ingest(options, context, name):
    out, memory = options.work / f"ingest-{name}", options.work / f"memory-{name}"
    if not (options.ask_only and memory.exists()):
        done([options.program, "ingest", "--memory", memory, "--context", context, "--out", out, "--keys", "static", "--arithmetic", "integer", "--quiet"])
    report = report_of(out)
    logs = sum(file.stat().st_size for file in memory.glob("log.*"))
    return memory, {"tokens": report["context"]["tokens"], "segments": report["context"]["segments"], "payload": logs,
                    "peak": report["ranks"][0]["peak_memory_bytes"]}


def questions_of(context):
    text = context.read_text(encoding="utf-8", errors="replace")
    found = [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if 8 <= len(part.split()) <= 20 and part.isprintable()]
    return found[::max(len(found) // ASKED, 1)][:ASKED]


def ask(options, memory, questions):
    """Medians over the answers, and the decoder's peak memory."""
    out = options.work / f"ask-{memory.name}"
    queries = options.work / "queries.jsonl"
    queries.write_text("".join(json.dumps({"id": str(i), "prefix": text}) + "\n" for i, text in enumerate(questions)), encoding="utf-8")
    done([options.mpirun, "--oversubscribe", "--bind-to", "none", "-n", str(options.ranks), options.program, "ask", "--memory", memory, "--queries", queries,
          "--batch", "1", "--out", out, "--quiet"])
    answers = [json.loads(line) for line in (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    seconds = {name: statistics.median(answer["timings"][name] for answer in answers) for name in answers[0]["timings"]}
    whole = statistics.median(sum(answer["timings"].values()) for answer in answers)
    decoders = [rank["peak_memory_bytes"] for rank in report_of(out)["ranks"] if "decoder" in rank["roles"]]
    right = sum(question in " ".join(answer["decoded"]) for question, answer in zip(questions, answers, strict=True))
    return {"seconds": seconds, "answer": whole, "decoder_peak": max(decoders), "right": right}


def table(bare, sizes):
    first = sizes[0]
    rows = []
    for size in sizes:
        rows.append([f"{size['tokens']:,}", f"{size['segments']:,}", f"{size['payload'] / MIB:,.0f}", f"{size['peak'] / MIB:,.0f}",
                     f"{(size['peak'] - bare) / size['payload']:.2f}", f"{1e3 * size['answer']:.0f}", f"{size['answer'] / first['answer']:.2f}", f"{size['decoder_peak'] / MIB:,.0f}",
                     f"{size['decoder_peak'] / first['decoder_peak']:.3f}", f"{size['right']} of {ASKED}"])
    return {"columns": ["tokens", "segments", "payload, MiB", "peak of ingest, MiB", "(peak - peak of one sentence) / payload", "answer, ms", "over that of the smallest", "peak of the decoder, MiB", "over that of the smallest",
                        "sentence among the decoded"], "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--text", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", nargs="+", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--work", type=pathlib.Path, help="folder for texts and memories (default: a temporary one)")
    parser.add_argument("--ask-only", action="store_true")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="growth-") as temporary:
        options.work = options.work or pathlib.Path(temporary)
        options.work.mkdir(parents=True, exist_ok=True)
        sentence = options.work / "sentence.txt"
        sentence.write_text("One sentence is all that this memory holds.\n", encoding="utf-8")
        _, bare = ingest(options, sentence, "sentence")
        sizes, questions = [], None
        for tokens in sorted(options.tokens):
            context = options.work / f"{tokens}.txt"
            static_keys.write_context(options.text, int(tokens * static_keys.BYTES_PER_TOKEN), context)
            questions = questions or questions_of(context)
            memory, size = ingest(options, context, tokens)
            sizes.append({**size, **ask(options, memory, questions)})
    result = json.dumps({"bare_peak": bare["peak"], "sizes": sizes, **table(bare["peak"], sizes)}, indent=1) + "\n"
    if options.out:
        options.out.write_text(result, encoding="utf-8")
    print(result)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""An answer out of a memory beside putting the context into the language model: processor time to the first token, one thread.

    first_token.py --program build/release/larimar --memory FOLDER --language .deps/smollm2 --text FILE [--tokens 8192] [--out FILE.json]

Memory: `larimar ask` with 1 and with 41 questions; what the 40 more take, divided by 40, is a whole answer (read key, read, decoding of four
segments). To this is added a prompt of 64 tokens in the language model, as if it were to word the answer. Context: a prompt of N
tokens in the same model, by torch and transformers in floats, once; its first token is there after the prompt.
Questions are sentences of FILE. Needs torch, transformers, tokenizers. Exit codes: 0 done, 1 a run failed, 2 usage.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
import torch  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

MORE = 40
GOAL = 50


def questions(text):
    found = [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if 6 <= len(part.split()) <= 20 and part.isprintable()]
    return found[:: max(len(found) // (MORE + 1), 1)][:MORE + 1]


def processor_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        print(f"first_token.py: {' '.join(map(str, command))} failed", file=sys.stderr)
        sys.exit(1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ask(options, texts, scratch):
    """Processor seconds of an answer, and tokens in the memory."""
    taken = []
    for count in (1, MORE + 1):
        queries = scratch / f"{count}.jsonl"
        queries.write_text("".join(json.dumps({"id": str(i), "question": text}) + "\n" for i, text in enumerate(texts[:count])), encoding="utf-8")
        taken.append(processor_seconds([options.program, "ask", "--memory", options.memory, "--queries", queries, "--out", scratch / f"out{count}", "--quiet"]))
    return (taken[1] - taken[0]) / MORE


def prompt(network, ids):
    started = time.process_time()
    with torch.inference_mode():
        network(input_ids=torch.tensor([ids]), use_cache=True, logits_to_keep=1).logits.argmax()
    return time.process_time() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--memory", type=pathlib.Path, required=True, help="folder that larimar ingest made")
    parser.add_argument("--language", type=pathlib.Path, required=True, help="folder of the language model")
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = options.text.read_text(encoding="utf-8")
    ids = Tokenizer.from_file(str(options.language / "tokenizer.json")).encode(text).ids
    texts = questions(text)
    if len(ids) < options.tokens or len(texts) <= MORE:
        parser.error(f"{options.text} is too short")
    network = transformers.AutoModelForCausalLM.from_pretrained(options.language, dtype=torch.float32).eval()
    prompt(network, ids[:64])
    short = sorted(prompt(network, ids[:64]) for _ in range(5))[2]
    with tempfile.TemporaryDirectory(prefix="first-token-") as scratch:
        answer = ask(options, texts, pathlib.Path(scratch))
    long = prompt(network, ids[:options.tokens])
    rows = [["an answer out of the memory: read key, read, four segments decoded", f"{answer:.3f}", ""], ["a prompt of 64 tokens", f"{short:.3f}", ""],
            [f"a prompt of {options.tokens:,} tokens", f"{long:.1f}", ""],
            [f"prompt of {options.tokens:,} / (answer and prompt of 64)", f"{long / (answer + short):.0f} times", f">= {GOAL} times"]]
    result = json.dumps({"columns": ["what", "processor s", "goal"], "rows": rows}, indent=1) + "\n"
    if options.out:
        options.out.write_text(result, encoding="utf-8")
    print(result)


if __name__ == "__main__":
    main()

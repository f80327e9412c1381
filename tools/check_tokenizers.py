#!/usr/bin/env python3
"""Compares our tokenizers with the PyPI packages tokenizers and transformers, text by text, and counts.

    python3 tools/check_tokenizers.py --program build/release/tests/unit/text/tokenizer_ids --texts DIR --out docs/data/tokenizers.json NAME=PATH ...

PATH is a tokenizer.json, or a folder with vocab.txt or with vocab.json and merges.txt. Texts: every *.txt and *.txt.zst of DIR by
paragraphs and as a whole, 10,000 random strings, every code point between two letters, and each byte as a code point.
Compared for each: ids with added tokens found, ids with special tokens as text, and both ways of decoding. Exit code 1 if
anything differs.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import time

import tokenizers
from make_tokenizer_golden import random_text

SEED = 20250118
RANDOM = 10_000


def file_texts(folder):
    """(paragraphs, whole files)"""
    paragraphs, wholes = [], []
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".txt.zst"):
            data = subprocess.run(["zstd", "-dcq", str(path)], capture_output=True, check=True).stdout
        elif path.suffix == ".txt":
            data = path.read_bytes()
        else:
            continue
        text = data.decode("utf-8")
        wholes.append(text)
        paragraphs += text.split("\n\n")
    return paragraphs, wholes


def code_points():
    for first in range(0, 0x110000, 128):
        yield " ".join(f"a{chr(c)}b" for c in range(first, first + 128) if not 0xD800 <= c < 0xE000)


def all_texts(folder):
    paragraphs, wholes = file_texts(folder)
    rng = random.Random(SEED)
    return {"paragraphs": paragraphs, "files": wholes, "random": [random_text(rng, rng.choice([1, 2, 4, 8, 16])) for _ in range(RANDOM)],
            "code_points": list(code_points()), "bytes": [chr(byte) for byte in range(256)]}


def reference(path):
    """(tokenizer of the library, does encode() find special tokens)"""
    if path.is_file():
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    else:
        import transformers
        kind = transformers.BertTokenizerFast if (path / "vocab.txt").exists() else transformers.GPT2TokenizerFast
        tokenizer = kind.from_pretrained(path).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, type(tokenizer.model).__name__ == "WordPiece"


def expected_answers(tokenizer, finds_specials, texts):
    """One answer a text, and the seconds that encoding took."""
    begin = time.perf_counter()
    encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    seconds = time.perf_counter() - begin
    tokenizer.encode_special_tokens = not finds_specials
    plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    tokenizer.encode_special_tokens = False
    answers = [{"ids": ids, "plain": other, "text": tokenizer.decode(ids), "marked": tokenizer.decode(ids, skip_special_tokens=False)}
               for ids, other in zip(encoded, plain)]
    return answers, seconds


def compare(name, path, program, texts, show):
    tokenizer, finds_specials = reference(path)
    flat = [text for group in texts.values() for text in group]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in flat)
    run = subprocess.run([program, str(path)], input=lines, capture_output=True, text=True, check=True, encoding="utf-8")
    *ours, summary = (json.loads(line) for line in run.stdout.split("\n") if line)
    expected, seconds = expected_answers(tokenizer, finds_specials, flat)
    if len(ours) != len(expected):
        raise SystemExit(f"{name}: {len(ours)} answers to {len(expected)} texts")
    result = {"size": summary["size"], "size_equal": summary["size"] == tokenizer.get_vocab_size(), "strings": len(flat), "bytes": summary["bytes"],
              "tokens": sum(len(answer["ids"]) for answer in expected), "differences": {}}
    at = 0
    for group, members in texts.items():
        for what in ("ids", "plain", "text", "marked"):
            wrong = [i for i in range(at, at + len(members)) if ours[i][what] != expected[i][what]]
            result["differences"][f"{group}.{what}"] = len(wrong)
            for i in wrong[:show]:
                print(f"{name} {group} {what}: {flat[i][:200]!r}\n  ours     {str(ours[i][what])[:300]!r}\n  expected {str(expected[i][what])[:300]!r}")
        at += len(members)
    result["load_s"] = round(summary["load_s"], 3)
    result["encode_mb_per_s"] = round(summary["bytes"] / summary["encode_s"] / 1e6, 2)
    result["reference_mb_per_s"] = round(summary["bytes"] / seconds / 1e6, 2)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print the first N differences of each kind")
    parser.add_argument("tokenizers", nargs="+", metavar="NAME=PATH")
    options = parser.parse_args()
    texts = all_texts(options.texts)
    report = {"made_by": "tools/check_tokenizers.py", "tokenizers": tokenizers.__version__, "seed": SEED,
              "strings": {group: len(members) for group, members in texts.items()}, "results": {}}
    failed = False
    for item in options.tokenizers:
        name, _, path = item.partition("=")
        result = compare(name, pathlib.Path(path), options.program, texts, options.show)
        differences = sum(result["differences"].values())
        failed = failed or differences > 0 or not result["size_equal"]
        print(f"{name}: {result['strings']} strings, {result['bytes']} bytes, {result['tokens']} tokens, {differences} differences, "
              f"{result['encode_mb_per_s']} MB/s (reference {result['reference_mb_per_s']}), loaded in {result['load_s']} s", flush=True)
        report["results"][name] = result
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The tables of docs/models.md out of what the commands wrote, as results_to_docs.py takes them.

    make_model_tables.py families docs/data/families.json
    make_model_tables.py tokenizers docs/data/tokenizers.json
    make_model_tables.py full-size docs/data/full-size.json

Standard library only. Exit codes: 0 done, 2 usage, 66 missing file.
"""
import json
import sys

FAMILIES = {"bert": "BERT (all-MiniLM-L6-v2)", "gpt2": "GPT-2 (124M, random weights)", "llama": "Llama (SmolLM2-135M-Instruct)",
            "mistral": "Mistral (12 x 768, window 512, random weights)", "phi3": "Phi-3 (12 x 768, long rope beyond 512, random weights)"}
TOKENIZERS = {"gpt2_files": "GPT-2, vocab.json and merges.txt", "smollm2": "SmolLM2", "mistral_7b_v1": "Mistral-7B v1",
              "minilm": "all-MiniLM-L6-v2 (WordPiece, uncased)", "bert_cased_vocab_txt": "the same vocab.txt, read as cased",
              "larimar_compact": "larimar-compact", "small_metaspace": "small, Metaspace", "small_mistral": "small, form of Mistral and Phi-3",
              "small_nfkc": "small, NFKC"}


def pair(row, name):
    if row[name] is None:
        return ""
    ours, theirs = row[name], row[f"reference {name}"]
    return f"{ours:,.0f} / {theirs:,.0f} = {ours / theirs:.2f}"


def families(data):
    rows = [[FAMILIES[row["family"]], f"{row['largest difference']:.1e}", f"{row['largest logit']:.3g}",
             {True: "yes", False: "no", None: ""}[row["greedy answers equal"]], pair(row, "tokens/s"), pair(row, "decode tokens/s"),
             pair(row, "peak MiB")] for row in data["rows"]]
    return {"columns": ["family", "largest difference", "of values up to", "64 greedy tokens equal", "tokens/s, ours / transformers",
                        "decoding, tokens/s", "peak MiB"], "rows": rows}


def tokenizers(data):
    rows = [[TOKENIZERS.get(name, name), f"{found['size']:,}", f"{found['strings']:,}", f"{found['tokens']:,}",
             sum(found["differences"].values()), f"{found['encode_mb_per_s']:.1f} / {found['reference_mb_per_s']:.1f}"]
            for name, found in data["results"].items()]
    return {"columns": ["tokenizer", "pieces", "strings", "tokens", "differences", "MB/s, ours / reference"], "rows": rows}


def full_size(data):
    rows = [[row["size"], f"{row['parameters_billion']:.2f}", f"{row['convert_s']:.0f}", row["ranks"], f"{row['run_s']:.0f}",
             f"{row['peak_mib']['shard']:,.0f}", f"{row['peak_mib']['decoder']:,.0f}"] for row in data["rows"]]
    return {"columns": ["size", "billion parameters", "convert, s", "ranks", "run, s", "peak MiB of a shard", "peak MiB of the decoder"],
            "rows": rows}


TABLES = {"families": families, "tokenizers": tokenizers, "full-size": full_size}


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in TABLES:
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[1], encoding="utf-8") as file:
        json.dump(TABLES[arguments[0]](json.load(file)), sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FileNotFoundError as error:
        print(f"make_model_tables.py: {error}", file=sys.stderr)
        sys.exit(66)

#!/usr/bin/env python3
"""How small a code can be: larimar-compact with codes of several sizes, learnt for equally many updates, on text it has not seen.

    code_sizes.py --program build/release/larimar --data TRAIN --valid VALID --work DIR [--latent-sizes 12 24 48 96] [--steps 1500] --out FILE.json

Each size is a run of `larimar train` in DIR/SIZE (bfloat16 products, all else by default) and of `larimar eval model` on VALID. The text is cut once. What is
complete in DIR is kept, so an interrupted command goes on from the last checkpoint. Standard library only. Exit codes: 0 done, 1 a run failed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

LATENTS = 16
NETWORK_FILES = ("train.segments", "valid.segments")


def done(command, log):
    with log.open("a", encoding="utf-8") as lines:
        if subprocess.run(command, stdout=lines, stderr=lines, check=False).returncode != 0:
            print(f"code_sizes.py: {' '.join(map(str, command))} failed; see {log}", file=sys.stderr)
            sys.exit(1)


def share_segments(folder, others):
    """The segments depend on the tokenizer and the longest segment alone, which all sizes share."""
    for name in NETWORK_FILES:
        made = [other / name for other in others if (other / name).exists()]
        if made and not (folder / name).exists():
            os.link(made[0], folder / name)


def learn(options, size, folder):
    if (folder / "eval" / "model.json").exists():
        return
    common = ["--data", options.data, "--valid", options.valid, "--tokenizer", options.tokenizer, "--threads", "1"]
    done([options.program, "train", *common, "--out", folder, "--steps", str(options.steps), "--precision", "bfloat16", "--latent-size", str(size),
          "--valid-every", "500"], folder / "log")
    done([options.program, "eval", "model", "--data", options.valid, "--model", folder / "model", "--out", folder / "eval"], folder / "log")


def measured(folder, size):
    config = json.loads((folder / "model" / "config.json").read_text(encoding="utf-8"))
    quality = json.loads((folder / "eval" / "model.json").read_text(encoding="utf-8"))
    return {"code_size": LATENTS * size, "steps": config["training"]["step"], "seconds": config["training"]["seconds"],
            "token_accuracy": quality["token_accuracy"], "exact": quality["segments_exact"], "disturbed": quality["disturbed"], "planted": quality["planted"]}


def cell(measure):
    return f"{measure['value']:.4f} ({measure['low']:.4f} to {measure['high']:.4f})"


def table(sizes):
    rows = []
    for size in sizes:
        planted = [sum(measure[key] for measure in size["planted"].values()) for key in ("hits", "n")]
        rows.append([f"{size['code_size']:,}", f"{4 * size['code_size']:,}", f"{size['code_size'] / 64:g}", cell(size["token_accuracy"]), cell(size["exact"]["all"]),
                     cell(size["exact"]["to_64"]), f"{planted[0]:,} of {planted[1]:,}", cell(size["disturbed"]["int8"]["segments_exact"]),
                     cell(size["disturbed"]["noise_10_db"]["segments_exact"])])
    return {"columns": ["floats of a code", "bytes", "floats a position", "tokens right", "segments exact", "those of 49 tokens and more", "planted strings found", "exact, codes as int8",
                        "exact, noise of 10 dB"], "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--valid", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, default=root / "models" / "larimar-compact" / "tokenizer.json")
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--latent-sizes", nargs="+", type=int, default=[12, 24, 48, 96])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    folders = {size: options.work / str(size) for size in options.latent_sizes}
    for size, folder in folders.items():
        folder.mkdir(parents=True, exist_ok=True)
        share_segments(folder, folders.values())
        learn(options, size, folder)
        sizes = [measured(folders[one], one) for one in options.latent_sizes if (folders[one] / "eval" / "model.json").exists()]
        options.out.write_text(json.dumps({"sizes": sizes, **table(sizes)}, indent=1) + "\n", encoding="utf-8")
        print(f"{LATENTS * size} floats: done", flush=True)


if __name__ == "__main__":
    main()
